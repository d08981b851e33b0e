//! The rates of a campaign: ratios of its counts, null where there is nothing to divide by.
//!
//! It knows what each rate divides; what the counts mean is decided where they are counted (`metrics.md`, section 5).

use serde::Serialize;

/// What rates are made of: messages in a state, and for one rate distinct contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub sent: u64,
    pub delivered: u64,
    pub opened: u64,
    pub read: u64,
    pub failed: u64,
    pub clicked: u64,
    pub quick_replied: u64,
    pub replied: u64,
    pub interacted: u64,
    pub converted: u64,
    /// Delivered and converted contacts; `None` where contacts are not counted: in a period, and across campaigns.
    pub contacts: Option<ContactCounts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContactCounts {
    pub delivered: u64,
    pub converted: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    pub delivery: Option<f64>,
    pub failure: Option<f64>,
    pub open: Option<f64>,
    pub read: Option<f64>,
    pub open_of_sent: Option<f64>,
    pub read_of_sent: Option<f64>,
    pub click_through: Option<f64>,
    pub response: Option<f64>,
    pub interaction: Option<f64>,
    pub reply: Option<f64>,
    pub conversion: Option<f64>,
    pub contact_conversion: Option<f64>,
}

impl Rates {
    #[must_use]
    pub fn of(counts: &Counts) -> Self {
        let of_sent = |part| rate(part, counts.sent);
        let of_delivered = |part| rate(part, counts.delivered);
        Self {
            delivery: of_sent(counts.delivered),
            failure: of_sent(counts.failed),
            open: of_delivered(counts.opened),
            read: of_delivered(counts.read),
            open_of_sent: of_sent(counts.opened),
            read_of_sent: of_sent(counts.read),
            click_through: of_delivered(counts.clicked),
            response: of_delivered(counts.quick_replied),
            interaction: of_delivered(counts.interacted),
            reply: of_delivered(counts.replied),
            conversion: of_delivered(counts.converted),
            contact_conversion: counts.contacts.and_then(|contacts| rate(contacts.converted, contacts.delivered)),
        }
    }
}

/// `part` / `whole`, or `None` when `whole` is 0.
#[must_use]
pub fn rate(part: u64, whole: u64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: Counts, json: &str) {
        assert_eq!(serde_json::to_string(&Rates::of(&counts)).unwrap(), json);
    }

    /// Every count is another power of two, so each quotient names the two counts that made it.
    #[test]
    fn each_rate_divides_what_its_definition_says() {
        check(
            Counts {
                sent: 1024,
                delivered: 512,
                opened: 256,
                read: 128,
                failed: 1,
                clicked: 64,
                quick_replied: 8,
                replied: 16,
                interacted: 32,
                converted: 4,
                contacts: Some(ContactCounts { delivered: 4096, converted: 2 }),
            },
            concat!(
                r#"{"delivery":0.5,"failure":0.0009765625,"open":0.5,"read":0.25,"open_of_sent":0.25,"read_of_sent":0.125,"#,
                r#""click_through":0.125,"response":0.015625,"interaction":0.0625,"reply":0.03125,"conversion":0.0078125,"#,
                r#""contact_conversion":0.00048828125}"#
            ),
        );
    }

    #[test]
    fn nothing_to_divide_by_is_null() {
        let nulls = r#""open":null,"read":null,"open_of_sent":0.0,"read_of_sent":0.0,"click_through":null,"response":null,"#;
        let rest = r#""interaction":null,"reply":null,"conversion":null,"contact_conversion":null}"#;
        let sent = Counts { sent: 2, failed: 2, ..Counts::default() };
        check(sent, &format!(r#"{{"delivery":0.0,"failure":1.0,{nulls}{rest}"#));
        let empty = Counts { contacts: Some(ContactCounts::default()), ..Counts::default() };
        assert_eq!(Rates::of(&empty), Rates::default());
    }
}
