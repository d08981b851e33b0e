//! A tracking link: one target URL of one campaign and step.
//!
//! It knows neither tokens nor clicks.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::body::Fields;
use crate::bounds::{TEXT_BYTES, URL_BYTES};
use crate::event::Ms;
use crate::problem::Problem;
use crate::target::Target;
use crate::time::to_rfc3339;

/// A link as the sender declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    pub campaign: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// A target in its checked form.
    pub url: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub append_click_id: bool,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub pass_query: bool,
}

/// A link as the Registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its number, from 1: what tokens carry.
    pub no: u32,
    #[serde(flatten)]
    pub declared: Declared,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub disabled: bool,
    pub created_at_ms: Ms,
}

/// The id of the link with this number.
#[must_use]
pub fn id(no: u32) -> String {
    format!("l{no}")
}

impl Declared {
    /// Reads a declaration.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong.
    pub fn read(body: &Value) -> Result<Self, Problem> {
        let mut fields = Fields::of(body, "");
        let campaign = fields.operator_id("campaign");
        let campaign = fields.required("campaign", campaign);
        let url = target(&mut fields);
        let url = fields.required("url", url);
        let declared = Self {
            campaign: campaign.unwrap_or_default().to_owned(),
            step: fields.step().to_owned(),
            url: url.unwrap_or_default(),
            label: fields.text("label", TEXT_BYTES).unwrap_or_default().to_owned(),
            append_click_id: fields.flag("append_click_id").unwrap_or_default(),
            pass_query: fields.flag("pass_query").unwrap_or_default(),
        };
        fields.done()?;
        Ok(declared)
    }
}

impl Link {
    /// The link as a PATCH leaves it.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong.
    pub fn patched(&self, body: &Value) -> Result<Self, Problem> {
        let mut next = self.clone();
        let mut fields = Fields::of(body, "");
        if let Some(url) = target(&mut fields) {
            next.declared.url = url;
        }
        if let Some(label) = fields.text("label", TEXT_BYTES) {
            next.declared.label = label.to_owned();
        }
        if let Some(pass_query) = fields.flag("pass_query") {
            next.declared.pass_query = pass_query;
        }
        if let Some(disabled) = fields.flag("disabled") {
            next.disabled = disabled;
        }
        fields.done()?;
        Ok(next)
    }

    /// Where it leads. `None` if what was stored is no target any more.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        Target::parse(&self.declared.url).ok()
    }

    /// As it is shown; `tracking_url` is the one without a contact.
    #[must_use]
    pub fn to_json(&self, tracking_url: &str) -> Value {
        let is = &self.declared;
        json!({
            "link": id(self.no),
            "campaign": is.campaign,
            "step": is.step,
            "url": is.url,
            "label": is.label,
            "append_click_id": is.append_click_id,
            "pass_query": is.pass_query,
            "disabled": self.disabled,
            "tracking_url": tracking_url,
            "created_at": to_rfc3339(self.created_at_ms),
        })
    }
}

fn target(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text("url", URL_BYTES)?;
    match Target::parse(text) {
        Ok(target) => Some(target.as_str().to_owned()),
        Err(error) => {
            fields.wrong("url", error.detail());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: Value, wrong: &[&str]) {
        let pointers: Vec<String> = match Declared::read(&body) {
            Ok(_) => Vec::new(),
            Err(problem) => problem.errors.into_iter().map(|error| error.pointer).collect(),
        };
        assert_eq!(pointers, wrong, "{body}");
    }

    #[test]
    fn declarations() {
        check(json!({"campaign": "d", "url": "https://shop.example/a"}), &[]);
        check(json!({"campaign": "d", "url": "https://shop.example/a", "step": "", "label": "Buy"}), &[]);
        check(json!({"campaign": "_x", "url": "javascript:alert(1)", "step": "a b"}), &["/campaign", "/url", "/step"]);
        check(json!({"url": "https://u:p@shop.example/"}), &["/campaign", "/url"]);
        check(json!({"campaign": "d"}), &["/url"]);
        check(json!({"campaign": "d", "url": "https://shop.example/", "link": "x"}), &["/link"]);
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let link = Link {
            no: 7,
            declared: Declared::read(&json!({"campaign": "d", "url": "https://shop.example"})).unwrap(),
            disabled: false,
            created_at_ms: 0,
        };
        assert_eq!(link.patched(&json!({})).unwrap(), link);
        let next =
            link.patched(&json!({"url": "http://shop.example/b", "disabled": true, "label": "B", "pass_query": true})).unwrap();
        assert_eq!(next.target().unwrap().as_str(), "http://shop.example/b");
        assert!(next.disabled && next.declared.pass_query);
        assert_eq!(next.declared.label, "B");
        for body in [json!({"campaign": "e"}), json!({"url": "ftp://x"}), json!({"disabled": 1})] {
            assert_eq!(link.patched(&body).unwrap_err().status, 400);
        }
    }
}
