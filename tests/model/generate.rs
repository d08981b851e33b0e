//! Believable and adversarial sets of events from a seed: every rule's edge is hit exactly, every tie is tied, and what a provider or a
//! sender may leave out, repeat or contradict is left out, repeated and contradicted.
//!
//! The same seed gives the same scenario for ever on every machine. It knows the shape of the events, and nothing of what they mean.

use proptest::prelude::{Just, Strategy, any};
use serde_json::{Value, json};

use super::{DAY_MS, Definitions, HOUR_MS, Received};

/// 2026-03-28T00:00:00Z: the night after it, clocks change in Europe.
pub const START_MS: i64 = 1_774_656_000_000;

/// A set of acknowledged events, and what to read them with.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub seed: u64,
    /// In the order of their making, which is nobody's order of arrival: shuffle it.
    pub received: Vec<Received>,
    pub definitions: Definitions,
    /// Campaigns of `definitions` that events name long before they are declared. (`never` is declared in no scenario.)
    pub declared_late: Vec<String>,
}

impl Scenario {
    /// The definitions as they were before the late campaigns were declared.
    pub fn definitions_before(&self) -> Definitions {
        let mut definitions = self.definitions.clone();
        definitions.campaigns.retain(|policy| !self.declared_late.iter().any(|late| policy["id"] == *late));
        definitions
    }
}

/// How large a scenario is, and what may happen in it.
#[derive(Clone, Debug)]
pub struct Shape {
    pub contacts: usize,
    /// Messages of the first contact; of the others each third has one or none, the rest three to six.
    pub messages_of_first: usize,
    /// At least so many events.
    pub events: usize,
    /// Statuses and provider's clicks that name no person.
    pub nameless: bool,
    /// One message, conversion or claim in the hands of two contacts.
    pub across_contacts: bool,
    /// Dispatches whose `wa_id` is another number than their contact.
    pub aliases: bool,
    /// Statuses of group messages, with a participant.
    pub groups: bool,
    /// User ids that turn out to be somebody's with a phone.
    pub pairs: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            contacts: 10,
            messages_of_first: 20,
            events: 200,
            nameless: true,
            across_contacts: true,
            aliases: true,
            groups: true,
            pairs: false,
        }
    }
}

impl Shape {
    /// What has to be found out across contacts too, and what one contact's timeline can hold of a group: nothing.
    pub fn across_contacts() -> Self {
        Self { groups: false, pairs: true, ..Self::default() }
    }

    /// What one contact's timeline can hold by itself, without anything that must be found out across contacts.
    pub fn within_contacts() -> Self {
        Self { nameless: false, across_contacts: false, aliases: false, groups: false, ..Self::default() }
    }
}

pub fn generate(seed: u64) -> Scenario {
    generate_with(seed, &Shape::default())
}

pub fn generate_with(seed: u64, shape: &Shape) -> Scenario {
    let mut random = Random(seed);
    let late_is_declared = random.one_in(2);
    let definitions = definitions(&mut random, late_is_declared);
    let mut maker =
        Maker { random, shape, received: Vec::new(), messages: Vec::new(), clicks: Vec::new(), conversions: 0, inbound: 0 };
    for contact in 0..shape.contacts {
        let messages = match contact {
            0 => shape.messages_of_first,
            _ if contact % 3 == 2 => maker.random.below(2),
            _ => 3 + maker.random.below(4),
        };
        for message in 0..messages {
            maker.plan_message(contact, message);
        }
    }
    for message in 0..maker.messages.len() {
        maker.tell_message(message);
    }
    for contact in 0..shape.contacts {
        maker.tell_contact(contact);
    }
    maker.flood();
    while maker.received.len() < shape.events {
        let contact = maker.random.below(shape.contacts);
        maker.tell_contact(contact);
    }
    let declared_late = if late_is_declared { vec!["late".to_owned()] } else { Vec::new() };
    Scenario { seed, received: maker.received, definitions, declared_late }
}

/// Scenarios for proptest. They shrink by losing events, not by changing the seed.
pub fn scenarios() -> impl Strategy<Value = Scenario> {
    any::<u64>().prop_flat_map(|seed| {
        let scenario = generate(seed);
        let all = scenario.received.len();
        (Just(scenario.clone()), proptest::sample::subsequence(scenario.received, 0..=all))
            .prop_map(|(scenario, received)| Scenario { received, ..scenario })
    })
}

/// The same events in another order.
pub fn shuffle(seed: u64, list: &[Received]) -> Vec<Received> {
    let mut random = Random(seed);
    let mut list = list.to_vec();
    for end in (1..list.len()).rev() {
        list.swap(end, random.below(end + 1));
    }
    list
}

/// The same events, a third of them more than once: as they are, or received again later, as a sender's retry is.
pub fn repeat(seed: u64, list: &[Received]) -> Vec<Received> {
    let mut random = Random(seed);
    let mut repeated = Vec::new();
    for received in list {
        repeated.push(received.clone());
        while random.one_in(3) {
            let later = *random.pick(&[0, 0, 1, 5_000, 7 * DAY_MS]);
            repeated.push(Received { received_ms: received.received_ms + later, event: received.event.clone() });
        }
    }
    repeated
}

/// The same events in batches of 1 to 40, some of them empty.
pub fn split(seed: u64, list: &[Received]) -> Vec<Vec<Received>> {
    let mut random = Random(seed);
    let mut batches = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let most = *random.pick(&[0, 1, 1, 3, 40]);
        let (batch, left) = rest.split_at(most.min(rest.len()));
        batches.push(batch.to_vec());
        rest = left;
    }
    batches
}

/// A smallest list of events that still fails: none of them can be left out.
pub fn minimise(list: &[Received], fails: impl Fn(&[Received]) -> bool) -> Vec<Received> {
    let mut list = list.to_vec();
    let mut size = list.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let before = list.len();
        while at < list.len() {
            let mut fewer = list.clone();
            fewer.drain(at..(at + size).min(list.len()));
            if fails(&fewer) { list = fewer } else { at += size }
        }
        if size == 1 && list.len() == before {
            return list;
        }
        size = size.div_ceil(2).max(1);
    }
}

/// splitmix64.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 ≤ number < bound.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn maybe<T>(&mut self, one_in: usize, value: T) -> Option<T> {
        self.one_in(one_in).then_some(value)
    }

    /// One of these, once in n times.
    pub fn maybe_of<T: Copy>(&mut self, one_in: usize, from: &[T]) -> Option<T> {
        let value = *self.pick(from);
        self.maybe(one_in, value)
    }
}

/// Every window that a rule has, so that times land on its edges.
const WINDOWS_MS: [i64; 4] = [HOUR_MS, 2 * HOUR_MS, DAY_MS, 72 * HOUR_MS];

fn definitions(random: &mut Random, late_is_declared: bool) -> Definitions {
    let policy = |no: u32, id: &str, message_type: &str, reply_ms: i64, attribution_ms: i64, touch: &str, goals: &[&str]| {
        json!({
            "no": no, "id": id, "message_type": message_type, "reply_window_ms": reply_ms,
            "attribution_window_ms": attribution_ms, "touch": touch, "goals": goals,
        })
    };
    let touch = *random.pick(&["delivered", "read", "opened"]);
    let mut spring = policy(1, "spring", "template", 72 * HOUR_MS, DAY_MS, "delivered", &[]);
    if random.one_in(2) {
        spring["stopped_at_ms"] = json!(START_MS + *random.pick(&[HOUR_MS, DAY_MS, DAY_MS + 1]));
    }
    let mut campaigns = vec![
        spring,
        policy(2, "flow", "template", 2 * HOUR_MS, HOUR_MS, "clicked", &["order", "lead"]),
        policy(3, "chat", "regular", DAY_MS, 72 * HOUR_MS, touch, &["order"]),
    ];
    if late_is_declared {
        campaigns.push(policy(4, "late", "template", HOUR_MS, 2 * HOUR_MS, touch, &[]));
    }
    let channels = [("meta-1", "meta"), ("meta-2", "meta"), ("twilio-1", "twilio")];
    Definitions { campaigns, channels: channels.iter().map(|(c, p)| ((*c).to_owned(), (*p).to_owned())).collect() }
}

/// The ways in which one contact is written; the first is the canonical key. All numbers are fictitious.
pub fn written(contact: usize) -> Vec<String> {
    let n = 100 + contact;
    match contact % 10 {
        0 | 9 => vec![format!("12025550{n}"), format!("+1 (202) 555-0{n}"), format!("whatsapp:+12025550{n}")],
        1 => vec![format!("447700900{n}"), format!("+44 7700 900{n}")],
        2 => vec![format!("525500000{n}"), format!("+5215500000{n}"), format!("5215500000{n}")],
        3 => vec![format!("541100000{n}"), format!("5491100000{n}"), format!("+54 9 11 0000-0{n}")],
        4 => vec![format!("5511990000{n}"), format!("551190000{n}"), format!("+55 11 9000-0{n}")],
        5 => vec![format!("US.13490000{n}")],
        6 => vec![format!("14165550{n}"), format!("+1 416 555 0{n}")],
        7 => vec![format!("493023125{n}")],
        _ => vec![format!("IN.22000{n}")],
    }
}

/// A number that senders still have for a contact; every third of them for two contacts.
fn old_number(contact: usize) -> String {
    let owner = if contact % 3 == 1 { contact - 1 } else { contact };
    format!("120255508{owner:02}")
}

struct Planned {
    contact: usize,
    id: String,
    channel: &'static str,
    sender: Option<&'static str>,
    campaign: &'static str,
    step: &'static str,
    at: i64,
}

struct Maker<'a> {
    random: Random,
    shape: &'a Shape,
    received: Vec<Received>,
    messages: Vec<Planned>,
    clicks: Vec<String>,
    conversions: usize,
    inbound: usize,
}

impl Maker<'_> {
    fn plan_message(&mut self, contact: usize, number: usize) {
        let random = &mut self.random;
        let mut id = format!("m{contact}-{number:03}");
        let mut channel = *random.pick(&["meta-1", "meta-1", "meta-2", "twilio-1"]);
        // The same id at another provider is another message.
        if let Some(last) = self.messages.last().filter(|last| last.contact == contact)
            && last.channel != "twilio-1"
            && random.one_in(8)
        {
            id.clone_from(&last.id);
            channel = "twilio-1";
        }
        let (campaign, step) = *random.pick(&[
            ("spring", ""),
            ("spring", "s1"),
            ("spring", "s2"),
            ("flow", "s1"),
            ("flow", "s2"),
            ("chat", ""),
            ("late", ""),
            ("late", "s1"),
            ("never", ""),
        ]);
        let sender = random.pick(&[Some("10001"), Some("10001"), Some("10002"), None]).to_owned();
        // The last is midnight in Kathmandu, when a price changes.
        let at = START_MS
            + *random.pick(&[
                0,
                0,
                HOUR_MS,
                2 * HOUR_MS,
                DAY_MS,
                DAY_MS + HOUR_MS,
                2 * DAY_MS,
                3 * DAY_MS,
                18 * HOUR_MS + HOUR_MS / 4,
            ]);
        self.messages.push(Planned { contact, id, channel, sender, campaign, step, at });
    }

    /// A moment that has to do with another: at it, at the edges of a window after it, or just before it.
    fn near(&mut self, moment: i64) -> i64 {
        let window = *self.random.pick(&WINDOWS_MS);
        moment + *self.random.pick(&[0, 0, 1, 1, 1000, 60_000, HOUR_MS, window - 1, window, window + 1, -1, -HOUR_MS])
    }

    fn person(&mut self, contact: usize) -> Value {
        let forms = written(contact);
        let form = self.random.pick(&forms);
        if form.starts_with(|c: char| c.is_ascii_uppercase()) { json!({ "user_id": form }) } else { json!({ "phone": form }) }
    }

    /// As a provider writes it: a user id now and then beside a phone, of a person of its own or of another contact.
    fn person_of_provider(&mut self, contact: usize) -> Value {
        let mut person = self.person(contact);
        if self.shape.pairs && person.get("user_id").is_some() && self.random.one_in(10) {
            let other = written(6 + contact % 2).remove(0);
            let phone = self.random.pick(&[format!("120255507{contact:02}"), format!("120255507{contact:02}"), other]).clone();
            person["phone"] = json!(phone);
        }
        person
    }

    /// Puts an event on the list. Its time may be missing, or beyond belief.
    fn hear(&mut self, at: i64, timeless: bool, mut event: Value) {
        let later = *self.random.pick(&[0, 0, 1, 2_000, 15 * 60_000, 3 * DAY_MS]);
        let (received_ms, at_ms) = match self.random.below(30) {
            _ if timeless => (at, None),
            0 => (at, None),
            1 => (at, Some(at + DAY_MS + 1)),
            2 => (at - DAY_MS, Some(at)),
            3 => (at, Some(1_230_767_999_999)),
            _ => (at + later, Some(at)),
        };
        // Absent, not null.
        let fields = event.as_object_mut().unwrap();
        fields.insert("at_ms".to_owned(), json!(at_ms));
        fields.retain(|_, value| !value.is_null());
        self.received.push(Received { received_ms, event });
    }

    fn tell_message(&mut self, number: usize) {
        let Planned { contact, channel, sender, campaign, step, at, .. } = self.messages[number];
        let id = self.messages[number].id.clone();
        let attempt = format!("try-{number}");
        // Who explains it: a dispatch, a reference, both, both but differently, or nobody (an agent's own answer).
        let (dispatched, referred) =
            *self.random.pick(&[(true, false), (true, true), (true, true), (false, true), (false, false)]);
        let reference = if !referred {
            None
        } else if self.random.one_in(5) {
            Some((*self.random.pick(&["flow:s1", "chat", "spring:s1:try-0", "never:x", "late", "not an id"])).to_owned())
        } else {
            let short = if step.is_empty() { campaign.to_owned() } else { format!("{campaign}:{step}") };
            Some(self.random.pick(&[short, format!("{campaign}:{step}:{attempt}")]).clone())
        };

        if self.random.one_in(4) {
            self.tell_error(contact, &id, (campaign, step), &attempt, at);
        }
        if dispatched {
            let moment = self.near(at);
            self.tell_accepted(contact, number, (campaign, step), moment.min(at), &attempt);
            if self.random.one_in(6) {
                // Another claims it, often at the same moment.
                let rival = *self.random.pick(&[("spring", ""), ("spring", "s1"), ("flow", "s2"), ("late", ""), ("chat", "")]);
                let moment = *self.random.pick(&[at, at, at - 1, at + 1]);
                self.tell_accepted(contact, number, rival, moment, "rival");
            }
            if self.shape.across_contacts && self.random.one_in(10) {
                let other = self.random.below(self.shape.contacts);
                let moment = *self.random.pick(&[at, at - 1, at + HOUR_MS]);
                self.tell_accepted(other, number, (campaign, step), moment, "stray");
            }
        }
        if !dispatched || !self.random.one_in(8) {
            self.tell_statuses(contact, channel, &id, sender, reference.as_deref(), at);
        }
        for _ in 0..self.random.below(3) {
            self.tell_engagement(contact, number);
        }
    }

    fn tell_error(&mut self, contact: usize, message: &str, (campaign, step): (&str, &str), attempt: &str, at: i64) {
        // Some senders know the message's id before they know that it fails.
        let message = self.random.maybe(4, message);
        for _ in 0..=self.random.below(2) {
            let code = self.random.maybe_of(2, &["429", "timeout"]);
            let event = json!({
                "kind": "dispatch", "campaign": campaign, "step": step, "outcome": "error", "person": self.person(contact),
                "message_id": message, "attempt": attempt, "error": code.map(|code| json!({"code": code})),
            });
            let moment = self.near(at);
            self.hear(moment, false, event);
        }
    }

    fn tell_accepted(&mut self, contact: usize, number: usize, (campaign, step): (&str, &str), at: i64, attempt: &str) {
        for copy in 0..=self.random.below(2) {
            let planned = &self.messages[number];
            let (id, channel, sender) = (planned.id.clone(), planned.channel, planned.sender);
            let alias = self.shape.aliases && self.random.one_in(12);
            let wa_id = written(contact).into_iter().next().filter(|key| !key.contains('.'));
            // The sender's own record holds an old number; the provider's id is the person.
            let person = if alias && wa_id.is_some() { json!({ "phone": old_number(contact) }) } else { self.person(contact) };
            let random = &mut self.random;
            let cost = random.maybe_of(8, &["0.0525", "0.1", "1"]);
            let event = json!({
                "kind": "dispatch", "campaign": campaign, "step": step, "outcome": "accepted", "person": person,
                "wa_id": if alias { wa_id } else { None },
                "channel": channel, "message_id": id,
                "attempt": random.maybe(2, attempt),
                "sender": random.maybe(2, sender),
                "category": random.maybe_of(3, &["marketing", "utility", "UTILITY", "service"]),
                "country": random.maybe(10, "FR"),
                "cost": cost.map(|amount| json!({"amount": amount, "currency": "EUR"})),
            });
            let moment = at + if copy == 0 { 0 } else { *self.random.pick(&[0, 0, 1, HOUR_MS]) };
            self.hear(moment, false, event);
            if alias && self.random.one_in(2) {
                // Conversions alone follow an alias: what else its number says is its own.
                let event = json!({
                    "kind": "inbound", "channel": channel, "message_id": format!("old-{contact}-{number}"), "inbound": "message",
                    "person": {"phone": old_number(contact)},
                });
                self.hear(moment + HOUR_MS, channel == "twilio-1", event);
            }
        }
    }

    fn tell_statuses(&mut self, contact: usize, channel: &str, id: &str, sender: Option<&str>, reference: Option<&str>, at: i64) {
        let courses: [&[&str]; 12] = [
            &["sent"],
            &["sent", "delivered"],
            &["sent", "delivered"],
            &["sent", "delivered", "read"],
            &["sent", "delivered", "read"],
            &["sent", "read"],
            &["delivered"],
            &["played"],
            &["failed"],
            &["sent", "failed"],
            &["sent", "failed", "delivered"],
            &["failed", "sent", "played", "read"],
        ];
        let course = *self.random.pick(&courses);
        let mut moment = at;
        // A provider that leaves the person out leaves it out of all of a message's statuses.
        let nameless = self.shape.nameless && self.random.one_in(8);
        let participant =
            if self.shape.groups && !nameless && self.random.one_in(15) { written(contact).remove(0) } else { String::new() };
        for (place, status) in course.iter().enumerate() {
            if place > 0 {
                moment += *self.random.pick(&[0, 0, 1, 1000, HOUR_MS, DAY_MS]);
            }
            for _ in 0..=self.random.below(2) {
                let person = if nameless && !self.random.one_in(6) { json!({}) } else { self.person_of_provider(contact) };
                let random = &mut self.random;
                let category = *random.pick(&[
                    "marketing",
                    "marketing_lite",
                    "utility",
                    "authentication",
                    "authentication-international",
                    "service",
                    "referral_conversion",
                ]);
                // The two channels of the provider may both be told.
                let channel = if channel == "meta-2" && random.one_in(6) { "meta-1" } else { channel };
                let event = json!({
                    "kind": "status", "channel": channel, "message_id": id, "status": status, "person": person,
                    "participant": participant,
                    "sender": if random.one_in(3) { None } else { sender },
                    "reference": if random.one_in(3) { None } else { reference },
                    "category": random.maybe(3, category),
                    "billable": random.maybe_of(5, &[true, false]),
                    "error": if *status == "failed" && !random.one_in(4) {
                        Some(json!({"code": random.pick(&["131026", "131049", "131047"]), "title": "in words"}))
                    } else {
                        None
                    },
                });
                let told = moment + *self.random.pick(&[0, 0, 0, 1, -1, HOUR_MS]);
                self.hear(told, channel == "twilio-1", event);
            }
        }
    }

    /// One thing that the contact does with a message.
    fn tell_engagement(&mut self, contact: usize, number: usize) {
        let planned = &self.messages[number];
        let (at, campaign, step) = (planned.at, planned.campaign, planned.step);
        let moment = self.near(at);
        match self.random.below(9) {
            0 => self.tell_inbound(contact, number, json!("message"), true, moment),
            1 => self.tell_inbound(contact, number, json!("quick_reply"), true, moment),
            2 => {
                self.tell_inbound(contact, number, json!({"reaction": {"removed": false}}), true, moment);
                if self.random.one_in(2) {
                    let again = *self.random.pick(&[moment, moment + 1, moment - 1]);
                    let removed = self.random.one_in(2);
                    self.tell_inbound(contact, number, json!({"reaction": {"removed": removed}}), true, again);
                }
            }
            3 | 4 => {
                let kind = (*self.random.pick(&["message", "message", "quick_reply", "other"])).to_owned();
                self.tell_inbound(contact, number, json!(kind), false, moment);
            }
            5 => self.tell_provider_click(contact, number, moment),
            6 => {
                self.tell_click(Some(contact), campaign, step, moment);
                let bought = self.near(moment);
                self.tell_conversion(contact, bought);
            }
            7 => self.tell_click(Some(contact), campaign, step, moment),
            _ => self.tell_conversion(contact, moment),
        }
    }

    /// What a contact does or suffers without a message in mind.
    fn tell_contact(&mut self, contact: usize) {
        let at = START_MS + *self.random.pick(&[-HOUR_MS, 0, 1, HOUR_MS, DAY_MS, 2 * DAY_MS, 4 * DAY_MS]);
        let moment = self.near(at);
        let number = self.random.below(self.messages.len());
        let (campaign, step) = *self.random.pick(&[("spring", ""), ("spring", "s1"), ("flow", "s1"), ("late", ""), ("chat", "")]);
        let who = if self.random.one_in(6) { None } else { Some(contact) };
        self.tell_click(who, campaign, step, moment);
        self.tell_inbound(contact, number, json!("message"), false, moment);
        if self.random.one_in(2) {
            // A quote of what this contact may never have got.
            let kind = (*self.random.pick(&["message", "quick_reply", "other"])).to_owned();
            self.tell_inbound(contact, number, json!(kind), true, moment);
        }
        if self.random.one_in(2) {
            self.tell_left_out(contact, campaign, step, at);
        }
        if self.random.one_in(3) {
            self.tell_error(contact, "never-sent", (campaign, step), "lost", at);
        }
        if self.random.one_in(6) {
            let event = json!({"kind": "opt_out", "channel": "meta-1", "person": self.person(contact), "stopped": true});
            self.hear(moment, false, event);
        }
        self.tell_conversion(contact, moment);
    }

    fn tell_left_out(&mut self, contact: usize, campaign: &str, step: &str, at: i64) {
        for _ in 0..=self.random.below(2) {
            let person = self.person(contact);
            let random = &mut self.random;
            let event = if random.one_in(2) {
                json!({"kind": "dispatch", "campaign": campaign, "step": step, "outcome": "control", "person": person})
            } else {
                json!({
                    "kind": "dispatch", "campaign": campaign, "step": random.pick(&["", step]), "outcome": "skipped",
                    "person": person,
                    "reason": random.maybe_of(2, &["frequency_cap", "opt_out", "too_old"]),
                    "group": random.maybe_of(2, &["target", "other"]),
                })
            };
            let moment = at + *self.random.pick(&[0, 0, 1]);
            self.hear(moment, false, event);
        }
    }

    fn tell_inbound(&mut self, contact: usize, number: usize, kind: Value, quotes: bool, at: i64) {
        let planned = &self.messages[number];
        let (quoted, channel, sender) = (planned.id.clone(), planned.channel, planned.sender);
        let quoted = if self.random.one_in(10) { "unheard-of".to_owned() } else { quoted };
        let next = self.messages.get(number + 1).filter(|next| next.contact == contact).map(|next| next.id.clone());
        self.inbound += 1;
        let id = format!("in-{:04}", self.inbound * 7919 % 10_000);
        for _ in 0..=self.random.below(2) {
            let person = self.person_of_provider(contact);
            let random = &mut self.random;
            let event = json!({
                "kind": "inbound", "channel": channel, "message_id": id, "inbound": kind, "person": person,
                "sender": if random.one_in(4) { None } else { sender },
                // Copies contradict each other.
                "quoted": quotes.then_some(if random.one_in(8) { next.as_ref().unwrap_or(&quoted) } else { &quoted }),
            });
            let told = at + *self.random.pick(&[0, 0, 0, 1]);
            self.hear(told, channel == "twilio-1", event);
        }
    }

    fn tell_click(&mut self, contact: Option<usize>, campaign: &str, step: &str, at: i64) {
        let link = (*self.random.pick(&["a", "b"])).to_owned();
        let machine = (*self.random.pick(&[None, None, None, Some("prefetch"), Some("bot_score")])).map(str::to_owned);
        self.tell_link_click(contact, campaign, step, &format!("{campaign}-{step}-{link}"), machine.as_deref(), at);
    }

    fn tell_link_click(
        &mut self,
        contact: Option<usize>,
        campaign: &str,
        step: &str,
        link: &str,
        machine: Option<&str>,
        at: i64,
    ) {
        let id = format!("ck-{:04}", self.clicks.len() * 7907 % 10_000);
        self.clicks.push(id.clone());
        let person = contact.map_or(json!({}), |contact| self.person(contact));
        let event = json!({
            "kind": "click", "click_id": id, "person": person, "link": link, "campaign": campaign, "step": step,
            "machine": machine, "device": "phone",
        });
        self.hear(at, false, event.clone());
        if self.random.one_in(5) {
            self.hear(at + 1, false, event);
        }
    }

    fn tell_provider_click(&mut self, contact: usize, number: usize, at: i64) {
        let planned = &self.messages[number];
        let (id, channel) = (planned.id.clone(), planned.channel);
        let id = if self.random.one_in(6) { "unheard-of".to_owned() } else { id };
        let nameless = self.shape.nameless && self.random.one_in(4);
        let person = if nameless { json!({}) } else { self.person(contact) };
        let click_id = format!("pk-{:04}", self.clicks.len() * 7907 % 10_000);
        self.clicks.push(click_id.clone());
        let event = json!({
            "kind": "click", "click_id": click_id, "person": person, "channel": channel, "message_id": id,
            "url": self.random.pick(&["https://shop.example/a", "https://shop.example/b"]),
        });
        self.hear(at, false, event);
    }

    fn tell_conversion(&mut self, contact: usize, at: i64) {
        if !self.random.one_in(8) {
            self.conversions += 1;
        }
        let id = match self.shape.across_contacts {
            true => format!("o{}", self.conversions),
            false => format!("o{contact}-{}", self.conversions),
        };
        let goal = *self.random.pick(&["", "order", "order", "lead", "visit"]);
        // A provider's click has no id that a shop sees.
        let ours = self.clicks.iter().rev().find(|id| id.starts_with("ck-")).cloned();
        for _ in 0..=self.random.below(2) {
            let contact = if self.shape.across_contacts && self.random.one_in(8) {
                self.random.below(self.shape.contacts)
            } else {
                contact
            };
            let by_click = self.random.one_in(4);
            let click_id = if self.random.one_in(8) { Some("ck-unknown") } else { ours.as_deref() };
            let click_id = click_id.filter(|_| by_click).map(str::to_owned);
            // Whose click it was is known outside the contact's own timeline.
            let click_id = click_id.filter(|_| self.shape.across_contacts);
            let by_old_number = self.shape.aliases && self.random.one_in(10);
            let person = match (&click_id, by_old_number) {
                (Some(_), _) => json!({}),
                (None, true) => json!({ "phone": old_number(contact) }),
                (None, false) => self.person(contact),
            };
            let random = &mut self.random;
            let amount = *random.pick(&["0.1", "0.2", "149.90", "10", "0.333", "-5.00", "0.00"]);
            let event = json!({
                "kind": "conversion", "id": id, "goal": goal, "person": person, "click_id": click_id,
                "value": if random.one_in(4) {
                    None
                } else {
                    Some(json!({"amount": amount, "currency": random.pick(&["EUR", "EUR", "USD"])}))
                },
            });
            let moment = at + *self.random.pick(&[0, 0, 0, 1, -1]);
            self.hear(moment, false, event);
        }
        if self.random.one_in(10) {
            let person = if self.shape.across_contacts && self.random.one_in(2) { json!({}) } else { self.person(contact) };
            let event = json!({"kind": "conversion", "id": id, "goal": goal, "person": person, "cancelled": true});
            self.hear(at + HOUR_MS, false, event);
        }
    }

    /// Someone who taps one link, in two steps, about as often as a day allows, around midnight and mostly at one moment.
    fn flood(&mut self) {
        let contact = self.random.below(self.shape.contacts);
        let midnight = START_MS + DAY_MS;
        for _ in 0..(19 + self.random.below(6)) {
            let at = midnight + *self.random.pick(&[0, 0, 0, 0, 1, 1000, DAY_MS - 1, DAY_MS, -1]);
            let step = *self.random.pick(&["", "", "", "b"]);
            self.tell_link_click(Some(contact), "spring", step, "spring--a", None, at);
        }
    }
}
