//! The settings of the workspace.
//!
//! Only their form is checked here; what they mean is the affair of those who read them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::body::Fields;
use crate::bounds::{RATE_CARD_ENTRIES, RETENTION_DAYS, TAGS, TEXT_BYTES, WINDOW_HOURS};
use crate::policy::Touch;
use crate::problem::Problem;
use crate::rate_card::RateCard;

/// The settings, as they are written and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// An IANA name.
    pub timezone: String,
    pub monthly_quota: Option<Quota>,
    /// As [`RateCard::read`] takes it.
    #[serde(default)]
    pub rate_card: Vec<Value>,
    pub retention_days: u32,
    pub attribution_default: Option<Attribution>,
    #[serde(default)]
    pub cors_origins: Vec<String>,
    /// The hosts that links minted offline may lead to; lower case, without port.
    #[serde(default)]
    pub link_hosts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub amount: u64,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    MessagesDelivered,
    Conversations,
}

/// What a campaign gets, when it is declared first, that does not say it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    pub window_hours: u32,
    pub touch: Touch,
}

impl Default for Attribution {
    fn default() -> Self {
        Self { window_hours: 24, touch: Touch::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timezone: "UTC".to_owned(),
            monthly_quota: None,
            rate_card: Vec::new(),
            retention_days: RETENTION_DAYS,
            attribution_default: None,
            cors_origins: Vec::new(),
            link_hosts: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the settings whole: what is absent has its default.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong.
    pub fn read(body: &Value) -> Result<Self, Problem> {
        let mut fields = Fields::of(body, "");
        let timezone = fields.text("timezone", TEXT_BYTES);
        let timezone = fields.required("timezone", timezone);
        let known = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
        if timezone.is_some_and(|zone| !zone.chars().all(known)) {
            fields.wrong("timezone", "must be an IANA time zone, such as Asia/Kolkata");
        }
        let mut settings = Self { timezone: timezone.unwrap_or_default().to_owned(), ..Self::default() };
        if let Some(mut inside) = fields.inside("monthly_quota") {
            let amount = inside.whole("amount", 0..=1_000_000_000_000);
            let amount = inside.required("amount", amount);
            let unit = inside.choice("unit", &["messages_delivered", "conversations"]);
            let unit = inside.required("unit", unit);
            settings.monthly_quota = amount.zip(unit).map(|(amount, unit)| Quota { amount, unit });
            fields.absorb(inside);
        }
        if let Some(entries) = fields.list("rate_card", RATE_CARD_ENTRIES) {
            fields.absorb_errors(RateCard::read(entries, "/rate_card"));
            settings.rate_card = entries.to_vec();
        }
        if let Some(days) = fields.whole("retention_days", 90..=3650) {
            settings.retention_days = u32::try_from(days).unwrap_or(settings.retention_days);
        }
        if let Some(mut inside) = fields.inside("attribution_default") {
            let hours = inside.whole("window_hours", 1..=u64::from(WINDOW_HOURS));
            let touch = inside.choice("touch", &["delivered", "read", "opened", "clicked"]);
            let otherwise = Attribution::default();
            settings.attribution_default = Some(Attribution {
                window_hours: hours.and_then(|hours| u32::try_from(hours).ok()).unwrap_or(otherwise.window_hours),
                touch: touch.unwrap_or(otherwise.touch),
            });
            fields.absorb(inside);
        }
        settings.cors_origins = fields.texts("cors_origins", TAGS, origin).unwrap_or_default();
        settings.link_hosts = fields.texts("link_hosts", TAGS, host).unwrap_or_default();
        fields.done()?;
        Ok(settings)
    }

    /// Whether pages of this origin may read answers.
    #[must_use]
    pub fn lets_read(&self, origin: &str) -> bool {
        self.cors_origins.iter().any(|named| named.eq_ignore_ascii_case(origin))
    }
}

fn origin(text: &str) -> Result<(), &'static str> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(rest) if !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ', '*']) => Ok(()),
        _ => Err("must be an origin, such as https://dashboard.example"),
    }
}

fn host(text: &str) -> Result<(), &'static str> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if !text.is_empty() && text.len() <= 253 && text.bytes().all(good) {
        Ok(())
    } else {
        Err("must be a host in lower case, such as shop.example")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(body: Value, wrong: &[&str]) {
        let pointers: Vec<String> = match Settings::read(&body) {
            Ok(settings) => {
                // What is shown can be written again.
                assert_eq!(Settings::read(&serde_json::to_value(&settings).unwrap()).unwrap(), settings);
                Vec::new()
            }
            Err(problem) => problem.errors.into_iter().map(|error| error.pointer).collect(),
        };
        assert_eq!(pointers, wrong, "{body}");
    }

    #[test]
    fn origins_are_compared_whole() {
        let settings = Settings { cors_origins: vec!["https://A.example".to_owned()], ..Settings::default() };
        assert!(settings.lets_read("https://a.example"));
        for other in ["http://a.example", "https://a.example:444", "https://a.example.evil", "https://b.a.example", "null", ""] {
            assert!(!settings.lets_read(other), "{other}");
        }
    }

    #[test]
    fn settings() {
        check(json!({"timezone": "UTC"}), &[]);
        let rate = json!({"effective_from": "2026-11-01", "country": "IN", "category": "marketing", "price": "0.0099", "currency": "USD"});
        check(
            json!({"timezone": "Asia/Kolkata", "monthly_quota": {"amount": 5, "unit": "conversations"}, "rate_card": [rate],
                   "retention_days": 90, "attribution_default": {"window_hours": 1, "touch": "read"},
                   "cors_origins": ["https://a.example"], "link_hosts": ["shop.example"]}),
            &[],
        );
        check(
            json!({"timezone": "a b", "monthly_quota": {"unit": "x"}, "rate_card": [{"effective_from": "2026-13-01", "country": "in",
                   "category": "spam", "price": 1}], "retention_days": 89, "attribution_default": {"window_hours": 0},
                   "cors_origins": ["a"], "link_hosts": ["Shop"], "x": 1}),
            &[
                "/timezone",
                "/monthly_quota/amount",
                "/monthly_quota/unit",
                "/rate_card/0/effective_from",
                "/rate_card/0/country",
                "/rate_card/0/category",
                "/rate_card/0/price",
                "/rate_card/0/currency",
                "/retention_days",
                "/attribution_default/window_hours",
                "/cors_origins/0",
                "/link_hosts/0",
                "/x",
            ],
        );
    }
}
