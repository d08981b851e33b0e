//! A campaign's definition: what the operator declares, what may change later, and what the Ledgers need of it.
//!
//! It knows no storage and no numbers; see `metrics.md`, section 6, for a campaign's life.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::body::Fields;
use crate::bounds::{TAGS, TEXT_BYTES, WINDOW_HOURS};
use crate::event::Ms;
use crate::ids;
use crate::policy::{HOUR_MS, MessageType, Policy, Touch};
use crate::problem::{FieldError, Problem};
use crate::settings::Attribution;
use crate::time::to_rfc3339;

/// The reply window of a campaign that names none, in hours.
pub const REPLY_WINDOW_HOURS: u32 = 72;

/// The words of a campaign's `type`.
pub const TYPES: &[&str] = &["broadcast", "api", "one_time", "recurring", "triggered", "flow"];
/// The words of its `message_type`.
pub const MESSAGE_TYPES: &[&str] = &["template", "regular"];
/// The words of its `status`.
pub const STATES: &[&str] = &["live", "paused", "stopped", "sent"];

/// What kind of campaign it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Broadcast,
    Api,
    OneTime,
    Recurring,
    Triggered,
    Flow,
}

/// Where it stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Live,
    Paused,
    Stopped,
    Sent,
}

impl State {
    /// The states that it may go to.
    #[must_use]
    pub fn open_moves(self) -> &'static [&'static str] {
        match self {
            Self::Live => &["paused", "stopped", "sent"],
            Self::Paused => &["live", "stopped", "sent"],
            Self::Stopped | Self::Sent => &[],
        }
    }

    fn may_become(self, next: Self) -> bool {
        self == next || matches!(self, Self::Live | Self::Paused)
    }
}

/// A campaign as the operator declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    pub name: String,
    pub r#type: Kind,
    pub message_type: MessageType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_limit: Option<u64>,
    pub reply_window_hours: u32,
    pub attribution_window_hours: u32,
    pub touch: Touch,
    /// The goals whose conversions it takes; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<String>,
    /// Absent: when it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at_ms: Option<Ms>,
}

/// A campaign as the Registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its number, from 1: what the Ledgers store.
    pub no: u32,
    pub id: String,
    #[serde(flatten)]
    pub declared: Declared,
    #[serde(default)]
    pub status: State,
    /// When it was stopped for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at_ms: Option<Ms>,
}

impl Declared {
    /// Reads a declaration. What it does not say of the attribution is as `otherwise` says.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong.
    pub fn read(body: &Value, otherwise: Attribution) -> Result<Self, Problem> {
        let mut fields = Fields::of(body, "");
        let name = name(&mut fields);
        let name = fields.required("name", name);
        let kind = fields.choice("type", TYPES);
        let kind = fields.required("type", kind);
        let message_type = fields.choice("message_type", MESSAGE_TYPES);
        let message_type = fields.required("message_type", message_type);
        let mut declared = Self {
            name: name.unwrap_or_default(),
            r#type: kind.unwrap_or(Kind::Broadcast),
            message_type: message_type.unwrap_or_default(),
            tags: tags(&mut fields).unwrap_or_default(),
            audience_size: count(&mut fields, "audience_size"),
            send_limit: count(&mut fields, "send_limit"),
            reply_window_hours: hours(&mut fields, "reply_window_hours").unwrap_or(REPLY_WINDOW_HOURS),
            attribution_window_hours: otherwise.window_hours,
            touch: otherwise.touch,
            goals: Vec::new(),
            created_at_ms: fields.time("created_at"),
        };
        if let Some(mut inside) = fields.inside("attribution") {
            declared.attribution_window_hours = hours(&mut inside, "window_hours").unwrap_or(otherwise.window_hours);
            let touches = ["delivered", "read", "opened", "clicked"];
            declared.touch = inside.choice("touch", &touches).unwrap_or(otherwise.touch);
            declared.goals = inside.texts("goals", TAGS, ids::operator_id).unwrap_or_default();
            fields.absorb(inside);
        }
        fields.done()?;
        Ok(declared)
    }
}

impl Campaign {
    /// What a declaration of it means that leaves its window or its touch out: what they are.
    #[must_use]
    pub fn attribution(&self) -> Attribution {
        Attribution { window_hours: self.declared.attribution_window_hours, touch: self.declared.touch }
    }

    /// Whether a declaration says what the campaign already is.
    ///
    /// # Errors
    /// 409, with a pointer to every field that differs.
    pub fn same_as(&self, declared: &Declared) -> Result<(), Problem> {
        let (is, says) = (&self.declared, declared);
        let differing = [
            ("/name", is.name != says.name, true),
            ("/type", is.r#type != says.r#type, false),
            ("/message_type", is.message_type != says.message_type, false),
            ("/tags", is.tags != says.tags, true),
            ("/audience_size", is.audience_size != says.audience_size, true),
            ("/send_limit", is.send_limit != says.send_limit, true),
            ("/reply_window_hours", is.reply_window_hours != says.reply_window_hours, false),
            ("/attribution/window_hours", is.attribution_window_hours != says.attribution_window_hours, false),
            ("/attribution/touch", is.touch != says.touch, false),
            ("/attribution/goals", is.goals != says.goals, false),
            ("/created_at", says.created_at_ms.is_some() && is.created_at_ms != says.created_at_ms, false),
        ];
        let errors: Vec<FieldError> = differing
            .into_iter()
            .filter(|(_, differs, _)| *differs)
            .map(|(pointer, _, may_change)| FieldError {
                pointer: pointer.to_owned(),
                detail: if may_change { "differs; PATCH changes it" } else { "differs, and never changes" }.to_owned(),
            })
            .collect();
        if errors.is_empty() {
            return Ok(());
        }
        Err(Problem { errors, ..Problem::conflict("The campaign is declared already, and differently.") })
    }

    /// The campaign as a PATCH at `now_ms` leaves it.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong; 409, if it may not go to that status, saying where it may go.
    pub fn patched(&self, body: &Value, now_ms: Ms) -> Result<Self, Problem> {
        let mut next = self.clone();
        let mut fields = Fields::of(body, "");
        let status = fields.choice::<State>("status", STATES);
        if let Some(name) = name(&mut fields) {
            next.declared.name = name;
        }
        if let Some(tags) = tags(&mut fields) {
            next.declared.tags = tags;
        }
        // For these two, null takes the number away.
        for (field, value) in [("audience_size", &mut next.declared.audience_size), ("send_limit", &mut next.declared.send_limit)]
        {
            if fields.has(field) {
                *value = count(&mut fields, field);
            }
        }
        fields.done()?;
        if let Some(status) = status {
            if !self.status.may_become(status) {
                return Err(Problem::conflict(match self.status.open_moves() {
                    [] => "The campaign's status is final: no move is open.".to_owned(),
                    open => format!("That move is not open; these are: {}.", open.join(", ")),
                }));
            }
            if status == State::Stopped && self.status != State::Stopped {
                next.stopped_at_ms = Some(now_ms);
            }
            next.status = status;
        }
        Ok(next)
    }

    /// Why nothing may be sent in it, if nothing may.
    #[must_use]
    pub fn closed(&self) -> Option<&'static str> {
        match self.status {
            State::Live => None,
            State::Paused => Some("paused"),
            State::Stopped => Some("stopped"),
            State::Sent => Some("sent"),
        }
    }

    /// What the Ledgers need of it.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            no: self.no,
            id: self.id.clone(),
            message_type: self.declared.message_type,
            reply_window_ms: Ms::from(self.declared.reply_window_hours) * HOUR_MS,
            attribution_window_ms: Ms::from(self.declared.attribution_window_hours) * HOUR_MS,
            touch: self.declared.touch,
            goals: self.declared.goals.clone(),
            stopped_at_ms: self.stopped_at_ms,
        }
    }

    /// As it is shown.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let is = &self.declared;
        json!({
            "campaign": self.id,
            "number": self.no,
            "name": is.name,
            "type": is.r#type,
            "message_type": is.message_type,
            "status": self.status,
            "tags": is.tags,
            "audience_size": is.audience_size,
            "send_limit": is.send_limit,
            "reply_window_hours": is.reply_window_hours,
            "attribution": { "window_hours": is.attribution_window_hours, "touch": is.touch, "goals": is.goals },
            "created_at": is.created_at_ms.map(to_rfc3339),
            "stopped_at": self.stopped_at_ms.map(to_rfc3339),
        })
    }
}

fn name(fields: &mut Fields<'_>) -> Option<String> {
    fields.text("name", TEXT_BYTES).map(str::to_owned)
}

fn tags(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    fields.texts("tags", TAGS, |tag| {
        if (1..=TEXT_BYTES).contains(&tag.len()) && !tag.chars().any(char::is_control) {
            Ok(())
        } else {
            Err("must be text of 1 to 256 bytes without control characters")
        }
    })
}

/// How many people: at most all that there are.
fn count(fields: &mut Fields<'_>, field: &'static str) -> Option<u64> {
    fields.whole(field, 0..=10_000_000_000)
}

fn hours(fields: &mut Fields<'_>, field: &'static str) -> Option<u32> {
    fields.whole(field, 1..=u64::from(WINDOW_HOURS)).and_then(|hours| u32::try_from(hours).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Value {
        json!({"name": "Diwali", "type": "broadcast", "message_type": "template"})
    }

    fn with(fields: Value) -> Value {
        let mut body = plain();
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    }

    fn campaign(status: State) -> Campaign {
        Campaign {
            no: 1,
            id: "diwali".to_owned(),
            declared: Declared { created_at_ms: Some(5), ..read(&plain()).unwrap() },
            status,
            stopped_at_ms: None,
        }
    }

    fn read(body: &Value) -> Result<Declared, Problem> {
        Declared::read(body, Attribution::default())
    }

    fn pointers(problem: Problem) -> Vec<String> {
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn what_a_declaration_leaves_out_has_its_default() {
        let policy = campaign(State::Live).policy();
        assert_eq!(policy.reply_window_ms, 72 * HOUR_MS);
        assert_eq!(policy.attribution_window_ms, 24 * HOUR_MS);
        assert_eq!(policy.touch, Touch::Delivered);
        assert!(policy.goals.is_empty());
    }

    #[test]
    fn wrong_declarations_name_every_field() {
        let body = with(json!({"type": "spam", "tags": ["a", ""], "audience_size": -1, "reply_window_hours": 0,
            "attribution": {"window_hours": 721, "touch": "sent", "goals": ["_x"], "x": 1}, "created_at": "today", "status": "live"}));
        assert_eq!(
            pointers(read(&body).unwrap_err()),
            [
                "/type",
                "/tags/1",
                "/audience_size",
                "/reply_window_hours",
                "/created_at",
                "/attribution/window_hours",
                "/attribution/touch",
                "/attribution/goals/0",
                "/attribution/x",
                "/status"
            ]
        );
        assert_eq!(pointers(read(&json!({})).unwrap_err()), ["/name", "/type", "/message_type"]);
    }

    #[test]
    fn a_differing_declaration_is_a_conflict_that_says_where() {
        let is = campaign(State::Live);
        let check = |fields: Value, differs: &[&str]| {
            let found = match is.same_as(&read(&with(fields)).unwrap()) {
                Ok(()) => Vec::new(),
                Err(problem) => {
                    assert_eq!(problem.status, 409);
                    pointers(problem)
                }
            };
            assert_eq!(found, differs);
        };
        check(json!({}), &[]);
        check(json!({"tags": [], "attribution": {"window_hours": 24}, "reply_window_hours": 72}), &[]);
        check(json!({"created_at": "1970-01-01T00:00:00.005Z"}), &[]);
        check(json!({"created_at": "1970-01-01T00:00:00.006Z"}), &["/created_at"]);
        check(json!({"name": "x", "attribution": {"window_hours": 25}}), &["/name", "/attribution/window_hours"]);
        check(
            json!({"attribution": {"touch": "read", "goals": ["order"]}, "type": "flow", "send_limit": 1}),
            &["/type", "/send_limit", "/attribution/touch", "/attribution/goals"],
        );
    }

    #[test]
    fn every_move() {
        use State::{Live, Paused, Sent, Stopped};
        for from in [Live, Paused, Stopped, Sent] {
            for to in [Live, Paused, Stopped, Sent] {
                let open = from == to || matches!(from, Live | Paused);
                let result = campaign(from).patched(&json!({ "status": to }), 9);
                assert_eq!(result.is_ok(), open, "{from:?} to {to:?}");
                match result {
                    Ok(next) => {
                        assert_eq!(next.status, to);
                        assert_eq!(next.stopped_at_ms, (to == Stopped && from != Stopped).then_some(9));
                    }
                    Err(problem) => assert_eq!((problem.status, problem.detail.contains("no move is open")), (409, true)),
                }
            }
        }
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let is = campaign(State::Live);
        let next = is.patched(&json!({"audience_size": 7, "tags": ["a"]}), 9).unwrap();
        assert_eq!((next.declared.audience_size, next.declared.tags.len()), (Some(7), 1));
        assert_eq!(next.declared.name, is.declared.name);
        assert_eq!(next.patched(&json!({"audience_size": null}), 9).unwrap().declared.audience_size, None);
        assert_eq!(next.patched(&json!({}), 9).unwrap(), next);
        assert_eq!(pointers(is.patched(&json!({"type": "flow", "status": "gone"}), 9).unwrap_err()), ["/status", "/type"]);
    }
}
