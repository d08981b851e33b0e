//! §1–§3: from events to things. Copies of one event become one fact, facts become messages, attempts, inbound messages, clicks
//! and conversions, each under its person.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::answers::Conflict;
use super::people::{self, person};
use super::{DAY_MS, Definitions, Policies, Received, UNATTRIBUTED};

/// 2009-01-01T00:00:00Z.
const FIRST_BELIEVABLE_MS: i64 = 1_230_768_000_000;

/// One copy of an event: what it said, and the time that counts for it.
#[derive(Clone, Copy)]
struct Copy<'a> {
    at: i64,
    event: &'a Value,
}

type Copies<'a> = Vec<Copy<'a>>;

/// §3: one message, sent to one contact. Its own facts; what the contact did with it is in `engagement`.
#[derive(Clone, Debug)]
pub struct Message {
    pub contact: String,
    pub provider: String,
    pub id: String,
    pub participant: String,
    /// The campaign and step under which it counts: `_unattributed` and "" if its own is not declared.
    pub campaign: String,
    pub step: String,
    /// What dispatch or reference say, declared or not.
    pub claim: Option<(String, String)>,
    pub reference: Option<String>,
    /// Every name under which its attempt may have been reported.
    pub attempts: BTreeSet<String>,
    pub channel: String,
    pub sender: Option<String>,
    pub category: String,
    pub country: String,
    /// The dispatch's own cost: amount and currency.
    pub cost: Option<(String, String)>,
    /// The provider's word on whether it is billed.
    pub billable_flag: Option<bool>,
    pub accepted: Option<i64>,
    /// The first-seen times of its statuses, by name.
    pub statuses: BTreeMap<String, i64>,
    pub failed_code: String,
}

impl Message {
    /// §3 "sent: any fact; earliest fact". A message has a fact of its own, so an engagement never gives it [4].
    pub fn sent(&self) -> i64 {
        self.accepted.into_iter().chain(self.statuses.values().copied()).min().expect("a message has a fact")
    }

    pub fn status(&self, name: &str) -> Option<i64> {
        self.statuses.get(name).copied()
    }

    /// The earliest of some statuses.
    pub fn earliest(&self, names: &[&str]) -> Option<i64> {
        names.iter().filter_map(|name| self.status(name)).min()
    }

    /// §4 Reply: "failed by its statuses alone".
    pub fn failed_by_statuses(&self) -> bool {
        self.status("failed").is_some() && self.earliest(&["delivered", "read", "played"]).is_none()
    }

    /// §4 Reply: "The sender is the business number named by the message's statuses or dispatch; a message that names none fits
    /// any sender of its channel" [9].
    pub fn fits(&self, provider: &str, channel: &str, sender: Option<&str>) -> bool {
        self.provider == provider
            && match (self.sender.as_deref(), sender) {
                (Some(own), Some(theirs)) => own == theirs,
                _ => self.channel == channel,
            }
    }

    /// How lists name it.
    pub fn item(&self) -> String {
        let participant = if self.participant.is_empty() { String::new() } else { format!("/{}", self.participant) };
        format!("{}/{}{participant}@{}", self.provider, self.id, self.contact)
    }

    /// The last word in ties between messages: "message id", then provider and participant [10].
    pub fn tie(&self) -> (&str, &str, &str) {
        (&self.id, &self.provider, &self.participant)
    }
}

/// A dispatch `error`: an attempt that never reached acceptance, unless a message says otherwise.
#[derive(Clone, Debug)]
pub struct Failure {
    pub contact: String,
    pub campaign: String,
    pub step: String,
    pub claim: (String, String),
    /// Its identity, and every name of its attempt.
    pub attempt: String,
    pub attempts: BTreeSet<String>,
    pub at: i64,
    pub code: String,
}

/// A dispatch `skipped` or `control`: the contact was left out.
#[derive(Clone, Debug)]
pub struct LeftOut {
    pub control: bool,
    pub contact: String,
    pub campaign: String,
    pub step: String,
    pub at: i64,
    pub reason: String,
    /// `group: "target"`: it belongs to the experiment's target all the same.
    pub target: bool,
}

#[derive(Clone, Debug)]
pub struct Inbound {
    pub contact: String,
    pub provider: String,
    pub id: String,
    pub channel: String,
    pub sender: Option<String>,
    pub at: i64,
    pub what: What,
    pub quoted: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Message,
    QuickReply,
    ReactionSet,
    ReactionRemoved,
    Other,
}

#[derive(Clone, Debug)]
pub struct Click {
    pub id: String,
    pub contact: Option<String>,
    /// Whose a conversion is that names the click, if somebody else's: a conversion follows aliases.
    pub buyer: Option<String>,
    /// Where a tracking link says it belongs: `_unattributed` if that campaign is not declared.
    pub campaign: String,
    pub step: String,
    /// A provider's click names its message: provider and id.
    pub names: Option<(String, String)>,
    pub link: String,
    pub at: i64,
    /// Why a machine made it.
    pub machine: Option<String>,
}

/// A conversion that stands: claimed by one contact, and not cancelled.
#[derive(Clone, Debug)]
pub struct Conversion {
    pub goal: String,
    pub id: String,
    pub contact: String,
    pub at: i64,
    /// Amount and currency.
    pub value: Option<(String, String)>,
}

#[derive(Default)]
pub struct Facts {
    pub messages: Vec<Message>,
    pub failures: Vec<Failure>,
    pub left_out: Vec<LeftOut>,
    pub inbound: Vec<Inbound>,
    pub clicks: Vec<Click>,
    pub conversions: Vec<Conversion>,
    /// Conversions by a click that nobody has seen.
    pub conversions_of_nobody: u64,
    pub conflicts: BTreeSet<Conflict>,
    /// Channel → statuses that name no contact and whose message nobody knows.
    pub unmatched: BTreeMap<String, u64>,
}

/// Gathers all events into things.
pub fn gather(received: &[Received], definitions: &Definitions, policies: &Policies) -> Facts {
    // Aliases are of the keys as they are written; everything else is of the persons whose these are.
    let written: Copies = received.iter().map(|r| Copy { at: believable_time(r), event: &r.event }).collect();
    let aliases = aliases(&written.iter().copied().filter(|c| c.event["kind"] == "dispatch").collect::<Copies>());
    let received = people::with_pairs(received, believable_time, &aliases);
    let received = received.as_slice();
    let copies: Vec<Copy> = received.iter().map(|r| Copy { at: believable_time(r), event: &r.event }).collect();
    let of_kind = |kind: &str| copies.iter().copied().filter(|c| c.event["kind"] == kind).collect::<Copies>();
    let channels = Channels(&definitions.channels);

    let mut facts = Facts::default();
    let dispatches = of_kind("dispatch");
    let claims = claims(&dispatches, &channels, &mut facts);
    let statuses = statuses(&of_kind("status"), &claims, &channels, &mut facts);
    facts.messages = messages(&claims, &statuses, policies);
    facts.failures = failures(&dispatches, policies);
    facts.left_out = left_out(&dispatches, policies);
    facts.inbound = inbound(&of_kind("inbound"), &channels);
    facts.clicks = clicks(&of_kind("click"), &claims, &statuses, &channels, policies);
    conversions(&of_kind("conversion"), &mut facts);
    facts
}

/// §2: "Time is the provider's, in UTC ms. More than 24 h ahead of receipt, or before 2009: the time of receipt instead"; §0: "An
/// event without a time of its own takes the earliest acknowledged time of receipt" (the earliest is taken among the copies).
fn believable_time(received: &Received) -> i64 {
    match received.event["at_ms"].as_i64() {
        Some(at) if at >= FIRST_BELIEVABLE_MS && at <= received.received_ms + DAY_MS => at,
        _ => received.received_ms,
    }
}

/// §2: "The same event twice with different times: the earlier counts."
fn time(copies: &[Copy]) -> i64 {
    copies.iter().map(|c| c.at).min().expect("no fact without a copy")
}

/// §2: "What a first copy lacked (reference, category, flag) a repeat may bring; the earliest copy that has a value gives it", for
/// each field on its own; between copies of one time, the smaller value [3].
fn said_by<T: Ord>(copies: &[Copy], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    copies.iter().filter_map(|c| Some((c.at, read(c.event)?))).min().map(|(_, value)| value)
}

fn said(copies: &[Copy], field: &str) -> Option<String> {
    said_by(copies, |event| text(event, field))
}

fn text(event: &Value, field: &str) -> Option<String> {
    event.get(field).and_then(Value::as_str).map(str::to_owned)
}

fn text_or_empty(event: &Value, field: &str) -> String {
    text(event, field).unwrap_or_default()
}

/// Amount and currency of `cost` or `value`.
fn price(event: &Value, field: &str) -> Option<(String, String)> {
    let price = event.get(field)?;
    Some((text(price, "amount")?, text(price, "currency")?))
}

fn error_code(event: &Value) -> Option<String> {
    text(event.get("error")?, "code")
}

/// Channel id → provider.
struct Channels<'a>(&'a BTreeMap<String, String>);

impl Channels<'_> {
    /// §1 message: "(provider, message id)", so two channels of one provider speak of the same messages.
    fn provider(&self, event: &Value) -> Option<String> {
        let channel = text(event, "channel")?;
        Some(self.0.get(&channel).cloned().unwrap_or(channel))
    }
}

/// The person of a dispatch. §1: "A dispatch may name the provider's `wa_id` beside `contact`; if it is another number it is the
/// person's key".
fn dispatched_to(event: &Value) -> Option<String> {
    text(event, "wa_id").and_then(|wa_id| people::canonical_phone(&wa_id)).or_else(|| person(event))
}

/// §1: "and `contact` an alias that look-ups and conversions follow". Alias → person; the earliest dispatch decides [5].
fn aliases(dispatches: &[Copy]) -> BTreeMap<String, String> {
    let mut named: BTreeMap<String, BTreeSet<(i64, String)>> = BTreeMap::new();
    for dispatch in dispatches {
        if let (Some(contact), Some(key)) = (person(dispatch.event), dispatched_to(dispatch.event))
            && contact != key
        {
            named.entry(contact).or_default().insert((dispatch.at, key));
        }
    }
    named.into_iter().map(|(alias, keys)| (alias, keys.first().unwrap().1.clone())).collect()
}

/// The dispatch that has a message: (provider, message id) → its claim and its copies.
type Claims<'a> = BTreeMap<(String, String), Claim<'a>>;

struct Claim<'a> {
    campaign: String,
    step: String,
    contact: String,
    copies: Copies<'a>,
}

/// §2: "Two dispatches claim one message: the earlier, then the smaller campaign id, step, contact; the loser counts nowhere and is
/// reported as `conflict`." Declared or not: an undeclared campaign's dispatch "takes part in claims at once".
fn claims<'a>(dispatches: &[Copy<'a>], channels: &Channels, facts: &mut Facts) -> Claims<'a> {
    let mut rivals: BTreeMap<(String, String), BTreeMap<_, Copies>> = BTreeMap::new();
    for dispatch in dispatches.iter().filter(|d| d.event["outcome"] == "accepted") {
        let event = dispatch.event;
        let (Some(contact), Some(provider), Some(id)) =
            (dispatched_to(event), channels.provider(event), text(event, "message_id"))
        else {
            continue;
        };
        let attempt = (text_or_empty(event, "campaign"), text_or_empty(event, "step"), contact);
        rivals.entry((provider, id)).or_default().entry(attempt).or_default().push(*dispatch);
    }
    let mut winners = BTreeMap::new();
    for ((provider, message_id), rivals) in rivals {
        let mut rivals: Vec<_> = rivals.into_iter().collect();
        rivals.sort_by_key(|(attempt, copies)| (time(copies), attempt.clone()));
        for (place, ((campaign, step, contact), copies)) in rivals.into_iter().enumerate() {
            let (provider, message_id) = (provider.clone(), message_id.clone());
            if place == 0 {
                winners.insert((provider, message_id), Claim { campaign, step, contact, copies });
            } else {
                facts.conflicts.insert(Conflict::Dispatch { provider, message_id, campaign, step, contact });
            }
        }
    }
    winners
}

/// (contact, provider, message id, participant) → status → copies.
type Statuses<'a> = BTreeMap<(String, String, String, String), BTreeMap<String, Copies<'a>>>;

/// §2 status: identity (message, status). A status belongs to the contact that it names [6].
fn statuses<'a>(copies: &[Copy<'a>], claims: &Claims, channels: &Channels, facts: &mut Facts) -> Statuses<'a> {
    let mut statuses = Statuses::new();
    let mut nameless: BTreeMap<_, Copies> = BTreeMap::new();
    for copy in copies {
        let event = copy.event;
        let Some(provider) = channels.provider(event) else { continue };
        let (id, participant) = (text_or_empty(event, "message_id"), text_or_empty(event, "participant"));
        let status = text_or_empty(event, "status");
        match person(event).or_else(|| people::key(&participant)) {
            Some(contact) => {
                statuses.entry((contact, provider, id, participant)).or_default().entry(status).or_default().push(*copy);
            }
            None => nameless.entry((provider, id, participant, status)).or_default().push(*copy),
        }
    }
    // "A status that names no contact and whose message nobody knows is kept and counted as `unmatched` on its channel, and moves
    // when a dispatch names the contact."
    let named = statuses.clone();
    for ((provider, id, participant, status), copies) in nameless {
        match contact_of(&provider, &id, claims, &named) {
            Some(contact) => {
                let key = (contact, provider, id, participant);
                statuses.entry(key).or_default().entry(status).or_default().extend(copies);
            }
            None => *facts.unmatched.entry(said(&copies, "channel").unwrap()).or_default() += 1,
        }
    }
    statuses
}

/// Whose message this is, for an event that does not say: the dispatch's contact, else that of the earliest status that names one [7].
fn contact_of(provider: &str, id: &str, claims: &Claims, named: &Statuses) -> Option<String> {
    if let Some(claim) = claims.get(&(provider.to_owned(), id.to_owned())) {
        return Some(claim.contact.clone());
    }
    named
        .iter()
        .filter(|((_, of, message, _), _)| of == provider && message == id)
        .flat_map(|((contact, ..), statuses)| statuses.values().flatten().map(move |copy| (copy.at, contact.clone())))
        .min()
        .map(|(_, contact)| contact)
}

fn messages(claims: &Claims, statuses: &Statuses, policies: &Policies) -> Vec<Message> {
    let claimed = claims.iter().map(|((provider, id), c)| (c.contact.clone(), provider.clone(), id.clone(), String::new()));
    let keys: BTreeSet<_> = claimed.chain(statuses.keys().cloned()).collect();
    keys.into_iter()
        .map(|key| {
            let claim = claims.get(&(key.1.clone(), key.2.clone())).filter(|claim| claim.contact == key.0 && key.3.is_empty());
            message(key.clone(), claim, statuses.get(&key).unwrap_or(&BTreeMap::new()), policies)
        })
        .collect()
}

fn message(
    (contact, provider, id, participant): (String, String, String, String),
    dispatch: Option<&Claim>,
    statuses: &BTreeMap<String, Copies>,
    policies: &Policies,
) -> Message {
    let all: Copies = statuses.values().flatten().copied().collect();
    let none = Copies::new();
    let dispatched = dispatch.map_or(&none, |d| &d.copies);
    let reference = said(&all, "reference");

    // §2: "The opaque reference is `campaign`, `campaign:step` or `campaign:step:attempt`. … Dispatch and reference disagree: the
    // dispatch wins."
    let referred = reference.as_ref().map(|reference| {
        let mut parts = reference.splitn(3, ':').map(str::to_owned);
        let claim = (parts.next().unwrap(), parts.next().unwrap_or_default());
        (claim, parts.next())
    });
    let claim = match dispatch {
        Some(dispatch) => Some((dispatch.campaign.clone(), dispatch.step.clone())),
        None => referred.as_ref().map(|(claim, _)| claim.clone()),
    };
    let (campaign, step) = counted_under(claim.as_ref(), policies);

    // §1 attempt: "(campaign, step, contact, `attempt` id; the message id where there is one)". A reference that the dispatch
    // contradicts names no attempt [8].
    let mut attempts: BTreeSet<String> = dispatched.iter().filter_map(|copy| text(copy.event, "attempt")).collect();
    attempts.insert(id.clone());
    if let Some((of, Some(attempt))) = referred
        && Some(of) == claim
    {
        attempts.insert(attempt);
    }

    // §3 Category: "from the highest status that carries one (read > delivered > sent), else the dispatch, else `regular` campaigns
    // are service, else `other`" [11].
    let highest_first = ["played", "read", "delivered", "sent", "failed"].map(|name| statuses.get(name).unwrap_or(&none));
    let regular = policies.get(&campaign).is_some_and(|policy| policy.message_type == "regular");
    let category = match highest_first.iter().find_map(|copies| said(copies, "category")).or_else(|| said(dispatched, "category"))
    {
        Some(word) => category(&word),
        None if regular => "service",
        None => "other",
    };
    Message {
        reference,
        attempts,
        category: category.to_owned(),
        // §3 Country: "the dispatch's, else the user id's prefix, else the calling code."
        country: said(dispatched, "country").or_else(|| people::country(&contact)).unwrap_or_default(),
        cost: said_by(dispatched, |event| price(event, "cost")),
        // §3 Billable: "the flag on the highest status that carries one".
        billable_flag: highest_first
            .iter()
            .find_map(|copies| said_by(copies, |event| event.get("billable").and_then(Value::as_bool))),
        // The provider's word before the sender's, for the number as for the channel [9].
        sender: said(&all, "sender").or_else(|| said(dispatched, "sender")),
        channel: said(&all, "channel").or_else(|| said(dispatched, "channel")).unwrap_or_default(),
        accepted: (!dispatched.is_empty()).then(|| time(dispatched)),
        // §3 failed: "code of the earliest failed fact (ties: smaller code)".
        failed_code: statuses.get("failed").and_then(|copies| said_by(copies, error_code)).unwrap_or_default(),
        statuses: statuses.iter().map(|(name, copies)| (name.clone(), time(copies))).collect(),
        contact,
        provider,
        id,
        participant,
        campaign,
        step,
        claim,
    }
}

/// §2 Before its dispatch: "counted under the campaign that its opaque reference names, if that campaign is declared; else under
/// `_unattributed`". `_unattributed` has no steps [12].
fn counted_under(claim: Option<&(String, String)>, policies: &Policies) -> (String, String) {
    match claim {
        Some((campaign, step)) if policies.contains_key(campaign) => (campaign.clone(), step.clone()),
        _ => (UNATTRIBUTED.to_owned(), String::new()),
    }
}

/// §3: "`marketing_lite` → marketing, `authentication-international` and `authentication_international` → authentication, words
/// outside the four → `other`."
fn category(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "marketing" | "marketing_lite" => "marketing",
        "utility" => "utility",
        "authentication" | "authentication-international" | "authentication_international" => "authentication",
        "service" => "service",
        _ => "other",
    }
}

/// Dispatches `error`, by attempt.
fn failures(dispatches: &[Copy], policies: &Policies) -> Vec<Failure> {
    let mut by_attempt: BTreeMap<_, Copies> = BTreeMap::new();
    for dispatch in dispatches.iter().filter(|d| d.event["outcome"] == "error") {
        let event = dispatch.event;
        let Some(contact) = dispatched_to(event) else { continue };
        // "the message id where there is one"
        let Some(attempt) = text(event, "message_id").or_else(|| text(event, "attempt")) else {
            continue;
        };
        let claim = (text_or_empty(event, "campaign"), text_or_empty(event, "step"));
        by_attempt.entry((claim, contact, attempt)).or_default().push(*dispatch);
    }
    by_attempt
        .into_iter()
        .map(|((claim, contact, attempt), copies)| {
            let (campaign, step) = counted_under(Some(&claim), policies);
            let mut attempts: BTreeSet<String> = copies.iter().filter_map(|c| text(c.event, "attempt")).collect();
            attempts.insert(attempt.clone());
            let code = said_by(&copies, error_code).unwrap_or_default();
            Failure { contact, campaign, step, claim, attempt, attempts, at: time(&copies), code }
        })
        .collect()
}

/// Dispatches `skipped` and `control`: identity (campaign, contact) for each of the two. Its step, reason and group are those of the earliest
/// copy that has them [13].
fn left_out(dispatches: &[Copy], policies: &Policies) -> Vec<LeftOut> {
    let mut by_contact: BTreeMap<_, Copies> = BTreeMap::new();
    for dispatch in dispatches.iter().filter(|d| d.event["outcome"] == "skipped" || d.event["outcome"] == "control") {
        let event = dispatch.event;
        let Some(contact) = dispatched_to(event) else { continue };
        let control = event["outcome"] == "control";
        by_contact.entry((control, text_or_empty(event, "campaign"), contact)).or_default().push(*dispatch);
    }
    by_contact
        .into_iter()
        .map(|((control, campaign, contact), copies)| {
            let step = said_by(&copies, |event| Some(text_or_empty(event, "step"))).unwrap();
            let (campaign, step) = counted_under(Some(&(campaign, step)), policies);
            LeftOut {
                control,
                contact,
                campaign,
                step,
                at: time(&copies),
                reason: said(&copies, "reason").unwrap_or_default(),
                target: said(&copies, "group").as_deref() == Some("target"),
            }
        })
        .collect()
}

/// §2 inbound: identity "its message id", of its provider and contact.
fn inbound(copies: &[Copy], channels: &Channels) -> Vec<Inbound> {
    let mut by_id: BTreeMap<_, Copies> = BTreeMap::new();
    for copy in copies {
        let (Some(contact), Some(provider)) = (person(copy.event), channels.provider(copy.event)) else {
            continue;
        };
        by_id.entry((contact, provider, text_or_empty(copy.event, "message_id"))).or_default().push(*copy);
    }
    by_id
        .into_iter()
        .map(|((contact, provider, id), copies)| Inbound {
            contact,
            provider,
            id,
            channel: said(&copies, "channel").unwrap(),
            sender: said(&copies, "sender"),
            at: time(&copies),
            what: said_by(&copies, |event| Some(what(&event["inbound"]))).unwrap(),
            quoted: said(&copies, "quoted"),
        })
        .collect()
}

fn what(inbound: &Value) -> What {
    match inbound.as_str() {
        Some("message") => What::Message,
        Some("quick_reply") => What::QuickReply,
        Some(_) => What::Other,
        None if inbound["reaction"]["removed"] == true => What::ReactionRemoved,
        None => What::ReactionSet,
    }
}

/// §2 click: identity "click id".
fn clicks(copies: &[Copy], claims: &Claims, statuses: &Statuses, channels: &Channels, policies: &Policies) -> Vec<Click> {
    let mut by_id: BTreeMap<String, Copies> = BTreeMap::new();
    for copy in copies {
        by_id.entry(text_or_empty(copy.event, "click_id")).or_default().push(*copy);
    }
    by_id
        .into_iter()
        .map(|(id, copies)| {
            let names = said_by(&copies, |event| Some((channels.provider(event)?, text(event, "message_id")?)));
            let of_message = || names.as_ref().and_then(|(provider, id)| contact_of(provider, id, claims, statuses));
            let claim = said(&copies, "campaign")
                .map(|campaign| (campaign, said_by(&copies, |event| Some(text_or_empty(event, "step"))).unwrap()));
            let (campaign, step) = counted_under(claim.as_ref(), policies);
            Click {
                id,
                contact: said_by(&copies, person).or_else(of_message),
                buyer: said(&copies, "buyer"),
                campaign,
                step,
                link: said(&copies, "link").or_else(|| said(&copies, "url")).unwrap_or_default(),
                at: time(&copies),
                machine: said(&copies, "machine"),
                names,
            }
        })
        .collect()
}

/// §4 Conversion: "The same id for two contacts: an explicit contact beats a click id, then the earlier time, then the smaller key; the
/// other is reported as `conflict`. `cancelled: true` withdraws that (goal, id), whoever sends it and whatever came first."
fn conversions(copies: &[Copy], facts: &mut Facts) {
    let mut by_id: BTreeMap<(String, String), Copies> = BTreeMap::new();
    for copy in copies {
        by_id.entry((text_or_empty(copy.event, "goal"), text_or_empty(copy.event, "id"))).or_default().push(*copy);
    }
    for ((goal, id), copies) in by_id {
        if copies.iter().any(|copy| copy.event["cancelled"] == true) {
            continue;
        }
        let mut by_contact: BTreeMap<String, (bool, Copies)> = BTreeMap::new();
        for copy in copies {
            let explicit = person(copy.event);
            let by_click = || {
                let click_id = text(copy.event, "click_id")?;
                let click = facts.clicks.iter().find(|click| click.id == click_id)?;
                click.buyer.clone().or_else(|| click.contact.clone())
            };
            let named = explicit.is_some();
            let Some(contact) = explicit.or_else(by_click) else { continue };
            let claim = by_contact.entry(contact).or_default();
            claim.0 |= named;
            claim.1.push(copy);
        }
        let mut rivals: Vec<(String, (bool, Copies))> = by_contact.into_iter().collect();
        rivals.sort_by_key(|(contact, (explicit, copies))| (!*explicit, time(copies), contact.clone()));
        if rivals.is_empty() {
            facts.conversions_of_nobody += 1;
        }
        for (place, (contact, (_, copies))) in rivals.into_iter().enumerate() {
            let (goal, id) = (goal.clone(), id.clone());
            if place == 0 {
                let value = said_by(&copies, |event| price(event, "value"));
                facts.conversions.push(Conversion { goal, id, contact, at: time(&copies), value });
            } else {
                facts.conflicts.insert(Conflict::Conversion { goal, id, contact });
            }
        }
    }
}
