//! §5 and §7: from what happened to every number, each beside the list that stands behind it.
//!
//! A number is the size of its list, everywhere: a list is a set of items (messages, attempts, clicks, replies, conversions or
//! contacts), and each item stands in a quarter hour twice, once by its own time (`basis=event`) and once by the time its message
//! was sent (`basis=sent`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::conversations;
pub use super::conversations::Conversation;
use super::decimal::{self, Money};
use super::engagement::{Engagement, human_clicks};
use super::facts::{Facts, What};
use super::{Policies, QUARTER_MS, UNATTRIBUTED};

/// Metric → number. What is not here is 0. The names are the API's paths: `messages.sent`, `clicks.unique`, `replies.total`,
/// `reactions`, `conversions.total`, `errors.delivery.131026`, `errors.dispatch.429` …
pub type Numbers = BTreeMap<String, u64>;

/// Metric → what stands behind the number.
pub type Lists = BTreeMap<String, BTreeSet<String>>;

/// Start of a quarter hour of UTC, ms.
pub type Quarter = i64;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// Every declared campaign, and `_unattributed` always.
    pub campaigns: BTreeMap<String, Campaign>,
    /// §7, in order of opening.
    pub conversations: Vec<Conversation>,
    /// §7 usage: `conversations.<category>.<country>`, `messages_delivered.…` (by delivered time) and `billable.…` (by billed time).
    pub usage: BTreeMap<Quarter, Numbers>,
    pub conflicts: BTreeSet<Conflict>,
    /// Channel → statuses whose message nobody knows.
    pub unmatched: BTreeMap<String, u64>,
    /// Reference (or "" for none) → messages in `_unattributed`.
    pub unattributed: BTreeMap<String, u64>,
    /// Belonging to nobody: `replies`, `quick_replies`, `conversions` (of a contact, no message), `conversions_of_nobody` (by an
    /// unknown click).
    pub unclaimed: Numbers,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// All steps together.
    pub all: Scope,
    /// Every step that has something.
    pub steps: BTreeMap<String, Scope>,
    /// Of declared campaigns; without a control or a target all zero.
    pub experiment: Experiment,
}

/// The numbers of a campaign or of one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// All time; `contacts.…`, `conversions.contacts` and `skipped.<reason>` stand here alone.
    pub numbers: Numbers,
    pub lists: Lists,
    pub by_sent: BTreeMap<Quarter, Numbers>,
    pub by_event: BTreeMap<Quarter, Numbers>,
    pub revenue: Money,
    pub revenue_by_sent: BTreeMap<Quarter, Money>,
    pub revenue_by_event: BTreeMap<Quarter, Money>,
    /// The states of a contact (sorted, joined by commas) → contacts. The states are those of [`SEGMENTS`].
    pub contact_combinations: Numbers,
    /// Likewise for messages, and for attempts that ended in an error.
    pub message_combinations: Numbers,
    /// Link id (or the URL of a provider's click) → `total`, `human`, `machine`, `machine.<reason>`, `unique`.
    pub links: BTreeMap<String, Numbers>,
    /// What is paid for: every message with a cost of its own, or billable.
    pub bills: BTreeSet<Bill>,
}

impl Scope {
    /// A number, 0 if nothing happened.
    pub fn number(&self, metric: &str) -> u64 {
        self.numbers.get(metric).copied().unwrap_or(0)
    }

    /// What stands behind it.
    pub fn list(&self, metric: &str) -> BTreeSet<String> {
        self.lists.get(metric).cloned().unwrap_or_default()
    }
}

/// §5 segments, all the states that combine.
pub const SEGMENTS: [&str; 15] = [
    "attempted",
    "dispatch_error",
    "sent",
    "delivered",
    "opened",
    "read",
    "failed",
    "in_flight",
    "clicked",
    "quick_replied",
    "replied",
    "converted",
    "skipped",
    "control",
    "contaminated",
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    pub target: Arm,
    pub control: Arm,
    pub contaminated: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    pub contacts: BTreeSet<String>,
    pub converted: BTreeSet<String>,
    pub revenue: Money,
}

/// §5 cost: "a dispatch's own cost, else billable messages × the dated rate card. Billed once, at its delivered time, else sent time".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bill {
    pub message: String,
    pub sent_ms: i64,
    pub billed_ms: i64,
    pub category: String,
    pub country: String,
    /// Its own cost, amount and currency; else the rate card's.
    pub cost: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "conflict", rename_all = "snake_case")]
pub enum Conflict {
    Dispatch { provider: String, message_id: String, campaign: String, step: String, contact: String },
    Conversion { goal: String, id: String, contact: String },
}

/// One item in the list of one metric.
#[derive(Clone)]
struct Entry {
    campaign: String,
    step: String,
    metric: String,
    item: String,
    contact: Option<String>,
    /// Its own time.
    event_ms: i64,
    /// When its message was sent; its own time if it belongs to none.
    sent_ms: i64,
}

pub(super) fn count(facts: &Facts, engagement: &Engagement, policies: &Policies) -> Answers {
    let mut entries = Vec::new();
    message_entries(facts, engagement, policies, &mut entries);
    failure_entries(facts, &mut entries);
    engagement_entries(facts, engagement, &mut entries);
    let mut answers = Answers {
        conversations: conversations::threads(facts, engagement),
        conflicts: facts.conflicts.clone(),
        unmatched: facts.unmatched.clone(),
        ..Answers::default()
    };
    for campaign in policies.keys().map(String::as_str).chain([UNATTRIBUTED]) {
        let of = |entry: &&Entry| entry.campaign == campaign;
        let mut steps: BTreeSet<&str> = entries.iter().filter(of).map(|entry| entry.step.as_str()).collect();
        steps.extend(facts.left_out.iter().filter(|l| l.campaign == campaign).map(|l| l.step.as_str()));
        let scope = |step: Option<&str>| {
            let inside = Inside { campaign, step };
            let own: Vec<&Entry> = entries.iter().filter(|e| inside.holds(&e.campaign, &e.step)).collect();
            self::scope(&own, inside, facts, engagement)
        };
        let counted = Campaign {
            all: scope(None),
            steps: steps.into_iter().map(|step| (step.to_owned(), scope(Some(step)))).collect(),
            experiment: experiment(campaign, facts, policies),
        };
        answers.campaigns.insert(campaign.to_owned(), counted);
    }
    usage(facts, engagement, &mut answers);
    for message in facts.messages.iter().filter(|m| m.campaign == UNATTRIBUTED) {
        add(&mut answers.unattributed, message.reference.as_deref().unwrap_or_default());
    }
    unclaimed(facts, engagement, &mut answers.unclaimed);
    answers
}

fn add(numbers: &mut Numbers, metric: &str) {
    *numbers.entry(metric.to_owned()).or_default() += 1;
}

fn quarter(at: i64) -> Quarter {
    at.div_euclid(QUARTER_MS) * QUARTER_MS
}

/// A campaign, or one step of it.
#[derive(Clone, Copy)]
struct Inside<'a> {
    campaign: &'a str,
    step: Option<&'a str>,
}

impl Inside<'_> {
    fn holds(self, campaign: &str, step: &str) -> bool {
        campaign == self.campaign && self.step.is_none_or(|own| own == step)
    }
}

/// §3 Billable: "the flag on the highest status that carries one, else true for delivered messages outside service; a failed message
/// never is."
fn billable(message: usize, facts: &Facts, engagement: &Engagement) -> bool {
    let (own, states) = (&facts.messages[message], &engagement.states[message]);
    states.failed.is_none() && own.billable_flag.unwrap_or(states.delivered.is_some() && own.category != "service")
}

/// §5 cost: "Billed once, at its delivered time, else sent time".
fn billed_ms(message: usize, engagement: &Engagement) -> i64 {
    engagement.states[message].delivered.unwrap_or(engagement.states[message].sent)
}

fn message_entries(facts: &Facts, engagement: &Engagement, policies: &Policies, entries: &mut Vec<Entry>) {
    for (m, message) in facts.messages.iter().enumerate() {
        let states = &engagement.states[m];
        let replies = |quick: bool| {
            let own = engagement.replies.iter().filter(move |(_, to)| *to == Some(m));
            own.map(|(reply, _)| &facts.inbound[*reply]).filter(move |r| !quick || r.what == What::QuickReply).map(|r| r.at).min()
        };
        let clicked = human_clicks(m, facts, engagement).into_iter().min();
        let quick_replied = replies(true);
        let converted = engagement.conversions.iter().zip(&facts.conversions).filter(|(to, _)| **to == Some(m));
        // §6: "messages accepted after the stop are `after_stop`"
        let stopped = policies.get(&message.campaign).and_then(|policy| policy.stopped_at_ms);
        // "delivered without a `delivered` status"
        let inferred = states.delivered.filter(|_| message.status("delivered").is_none());
        let times = [
            ("messages.attempted", Some(states.sent)),
            ("messages.sent", Some(states.sent)),
            ("messages.delivered", states.delivered),
            ("messages.delivered_inferred", inferred),
            ("messages.opened", states.opened),
            ("messages.read", states.read),
            ("messages.failed", states.failed),
            // "sent, neither delivered nor failed": since it was sent [21]
            ("messages.in_flight", (states.delivered.is_none() && states.failed.is_none()).then_some(states.sent)),
            ("messages.clicked", clicked),
            ("messages.replied", replies(false)),
            ("messages.quick_replied", quick_replied),
            ("messages.interacted", clicked.into_iter().chain(quick_replied).min()),
            ("messages.converted", converted.map(|(_, conversion)| conversion.at).min()),
            ("messages.billable", billable(m, facts, engagement).then(|| billed_ms(m, engagement))),
            ("messages.after_stop", stopped.filter(|at| states.sent >= *at).map(|_| states.sent)),
        ];
        let mut entry = |metric: &str, event_ms: i64| {
            entries.push(Entry {
                campaign: message.campaign.clone(),
                step: message.step.clone(),
                metric: metric.to_owned(),
                item: message.item(),
                contact: Some(message.contact.clone()),
                event_ms,
                sent_ms: states.sent,
            });
        };
        for (metric, at) in times {
            if let Some(at) = at {
                entry(metric, at);
            }
        }
        // §5: "**delivery errors** are `failed`"
        if let Some(at) = states.failed {
            entry(&format!("errors.delivery.{}", message.failed_code), at);
        }
    }
}

/// §5: "attempted = sent + dispatch_errors (an error whose attempt was accepted after all is no error: `error_then_sent`)".
fn failure_entries(facts: &Facts, entries: &mut Vec<Entry>) {
    for failure in &facts.failures {
        let accepted_after_all = facts.messages.iter().any(|message| {
            message.contact == failure.contact
                && message.claim.as_ref() == Some(&failure.claim)
                && !message.attempts.is_disjoint(&failure.attempts)
        });
        let code = format!("errors.dispatch.{}", failure.code);
        let metrics = if accepted_after_all {
            vec!["messages.error_then_sent"]
        } else {
            vec!["messages.attempted", "messages.dispatch_errors", &code]
        };
        let (campaign, step) = &failure.claim;
        for metric in metrics {
            entries.push(Entry {
                campaign: failure.campaign.clone(),
                step: failure.step.clone(),
                metric: metric.to_owned(),
                item: format!("error {campaign}:{step}:{}@{}", failure.attempt, failure.contact),
                contact: Some(failure.contact.clone()),
                // "errors by attempt time"
                event_ms: failure.at,
                sent_ms: failure.at,
            });
        }
    }
}

fn engagement_entries(facts: &Facts, engagement: &Engagement, entries: &mut Vec<Entry>) {
    let sent = |message: usize| engagement.states[message].sent;
    let of_message = |m: usize, metric: &str, item: String, at: i64| Entry {
        campaign: facts.messages[m].campaign.clone(),
        step: facts.messages[m].step.clone(),
        metric: metric.to_owned(),
        item,
        contact: Some(facts.messages[m].contact.clone()),
        event_ms: at,
        sent_ms: sent(m),
    };

    for (reply, to) in &engagement.replies {
        let inbound = &facts.inbound[*reply];
        let item = format!("{}/{}@{}", inbound.provider, inbound.id, inbound.contact);
        if let Some(m) = *to {
            entries.push(of_message(m, "replies.total", item.clone(), inbound.at));
            if inbound.what == What::QuickReply {
                entries.push(of_message(m, "replies.quick", item, inbound.at));
            }
        }
    }
    for (reaction, to) in &engagement.reactions {
        let inbound = &facts.inbound[*reaction];
        let item = format!("{}/{}@{}", inbound.provider, inbound.id, inbound.contact);
        entries.push(match *to {
            Some(m) => of_message(m, "reactions", item, inbound.at),
            None => Entry {
                campaign: UNATTRIBUTED.to_owned(),
                step: String::new(),
                metric: "reactions".to_owned(),
                item,
                contact: Some(inbound.contact.clone()),
                event_ms: inbound.at,
                sent_ms: inbound.at,
            },
        });
    }
    for (conversion, to) in facts.conversions.iter().zip(&engagement.conversions) {
        if let Some(m) = *to {
            entries.push(of_message(m, "conversions.total", format!("{}/{}", conversion.goal, conversion.id), conversion.at));
        }
    }
    click_entries(facts, engagement, entries);
}

/// §4 Click: "Nothing is dropped: total = human + machine." "`clicks.unique` = distinct (contact, link) with a human click": a link is
/// of one campaign and step (§1), and the pair stands where its first human click stands [22].
fn click_entries(facts: &Facts, engagement: &Engagement, entries: &mut Vec<Entry>) {
    let mut seen = BTreeSet::new();
    let mut in_order: Vec<usize> = (0..facts.clicks.len()).collect();
    in_order.sort_by_key(|&c| (facts.clicks[c].at, &facts.clicks[c].id));
    for c in in_order {
        let (click, belongs) = (&facts.clicks[c], &engagement.clicks[c]);
        let entry = |metric: &str, item: String| Entry {
            campaign: belongs.campaign.clone(),
            step: belongs.step.clone(),
            metric: metric.to_owned(),
            item,
            contact: click.contact.clone(),
            event_ms: click.at,
            // "(those that belong to no message: by their own time)"
            sent_ms: belongs.message.map_or(click.at, |m| engagement.states[m].sent),
        };
        entries.push(entry("clicks.total", click.id.clone()));
        if belongs.machine.is_some() {
            entries.push(entry("clicks.machine", click.id.clone()));
            continue;
        }
        entries.push(entry("clicks.human", click.id.clone()));
        if let Some(contact) = &click.contact
            && seen.insert((contact, &belongs.campaign, &belongs.step, &click.link))
        {
            entries.push(entry("clicks.unique", format!("{} {} {contact}", belongs.step, click.link)));
        }
    }
}

fn scope(entries: &[&Entry], inside: Inside, facts: &Facts, engagement: &Engagement) -> Scope {
    let mut scope = Scope::default();
    for entry in entries {
        add(&mut scope.numbers, &entry.metric);
        add(scope.by_sent.entry(quarter(entry.sent_ms)).or_default(), &entry.metric);
        add(scope.by_event.entry(quarter(entry.event_ms)).or_default(), &entry.metric);
        scope.lists.entry(entry.metric.clone()).or_default().insert(entry.item.clone());
    }
    scope.message_combinations = combinations(&scope.lists, "messages.", &[("messages.dispatch_errors", "dispatch_error")]);

    contacts(entries, inside, facts, &mut scope);
    scope.contact_combinations = combinations(&scope.lists, "contacts.", &[]);
    for (metric, list) in &scope.lists {
        let number = u64::try_from(list.len()).unwrap();
        let counted = *scope.numbers.entry(metric.clone()).or_insert(number);
        assert_eq!(counted, number, "§0: a number and the list behind it can never disagree: {metric}");
    }

    links(inside, facts, engagement, &mut scope);
    for (conversion, to) in facts.conversions.iter().zip(&engagement.conversions) {
        let Some(m) = to.filter(|&m| inside.holds(&facts.messages[m].campaign, &facts.messages[m].step)) else {
            continue;
        };
        let Some((amount, currency)) = &conversion.value else {
            continue;
        };
        decimal::add(&mut scope.revenue, currency, amount);
        let sent = quarter(engagement.states[m].sent);
        decimal::add(scope.revenue_by_sent.entry(sent).or_default(), currency, amount);
        decimal::add(scope.revenue_by_event.entry(quarter(conversion.at)).or_default(), currency, amount);
    }
    for (m, message) in facts.messages.iter().enumerate().filter(|(_, m)| inside.holds(&m.campaign, &m.step)) {
        // "a failed message costs nothing, whatever its dispatch said"
        let costs = message.cost.is_some() || billable(m, facts, engagement);
        if costs && engagement.states[m].failed.is_none() {
            scope.bills.insert(Bill {
                message: message.item(),
                sent_ms: engagement.states[m].sent,
                billed_ms: billed_ms(m, engagement),
                category: message.category.clone(),
                country: message.country.clone(),
                cost: message.cost.clone(),
            });
        }
    }
    scope
}

/// §5 contacts: "distinct people, all time".
fn contacts(entries: &[&Entry], inside: Inside, facts: &Facts, scope: &mut Scope) {
    let with = |metric: &str| -> BTreeSet<String> {
        entries.iter().filter(|e| e.metric == metric).filter_map(|e| e.contact.clone()).collect()
    };
    let attempted = with("messages.attempted");
    let delivered = with("messages.delivered");
    let dispatch_error = with("messages.dispatch_errors");
    // "failed (failed and none delivered), failed_total (an error or failed, and none delivered)"
    let failed: BTreeSet<String> = &with("messages.failed") - &delivered;
    let failed_total: BTreeSet<String> = &(&with("messages.failed") | &dispatch_error) - &delivered;
    let clicked = with("clicks.unique");
    let replied = with("replies.total");
    let quick_replied = with("replies.quick");
    let converted = with("conversions.total");

    // "Each contact stands in one place of the audience: attempted, else control, else skipped (earliest reason)."
    let left_out: Vec<_> = facts.left_out.iter().filter(|l| inside.holds(&l.campaign, &l.step)).collect();
    let left = |control: bool| -> BTreeSet<String> {
        left_out.iter().filter(|l| l.control == control).map(|l| l.contact.clone()).collect()
    };
    let control = &left(true) - &attempted;
    let skipped = &(&left(false) - &attempted) - &control;
    // §4 Control group: "A contact in both is counted in neither: `contaminated`", both being target (attempted, or skipped with
    // `group: "target"`) and control.
    let skipped_target: BTreeSet<String> =
        left_out.iter().filter(|l| !l.control && l.target).map(|l| l.contact.clone()).collect();
    let contaminated = &(&attempted | &skipped_target) & &left(true);

    for contact in &skipped {
        let own = left_out.iter().filter(|l| !l.control && l.contact == *contact);
        let (_, reason) = own.map(|l| (l.at, &l.reason)).min().unwrap();
        scope.lists.entry(format!("skipped.{reason}")).or_default().insert(contact.clone());
    }
    let sets = [
        ("contacts.submitted", attempted.clone()),
        ("contacts.attempted", attempted),
        ("contacts.dispatch_error", dispatch_error),
        ("contacts.sent", with("messages.sent")),
        ("contacts.delivered", delivered),
        ("contacts.opened", with("messages.opened")),
        ("contacts.read", with("messages.read")),
        ("contacts.failed", failed),
        ("contacts.failed_total", failed_total),
        // "`in_flight` at least one"
        ("contacts.in_flight", with("messages.in_flight")),
        ("contacts.interacted", &clicked | &quick_replied),
        ("contacts.clicked", clicked),
        ("contacts.replied", replied),
        ("contacts.quick_replied", quick_replied),
        ("conversions.contacts", converted.clone()),
        ("contacts.converted", converted),
        ("contacts.skipped", skipped),
        ("contacts.control", control),
        ("contacts.contaminated", contaminated),
    ];
    for (metric, contacts) in sets {
        if !contacts.is_empty() {
            scope.lists.insert(metric.to_owned(), contacts);
        }
    }
}

/// For every item of the lists under a prefix: the set of segment states that it is in → how many are in exactly that set.
fn combinations(lists: &Lists, prefix: &str, also: &[(&str, &str)]) -> Numbers {
    let mut states: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (metric, items) in lists {
        let renamed = also.iter().find(|(from, _)| from == metric).map(|(_, to)| *to);
        let Some(state) = renamed.or_else(|| metric.strip_prefix(prefix)) else {
            continue;
        };
        if SEGMENTS.contains(&state) {
            for item in items {
                states.entry(item).or_default().insert(state);
            }
        }
    }
    let mut combinations = Numbers::new();
    for states in states.into_values() {
        add(&mut combinations, &states.into_iter().collect::<Vec<_>>().join(","));
    }
    combinations
}

/// §5: per link `total`, `human`, `machine`, `unique`.
fn links(inside: Inside, facts: &Facts, engagement: &Engagement, scope: &mut Scope) {
    let mut people = BTreeSet::new();
    for (click, belongs) in facts.clicks.iter().zip(&engagement.clicks) {
        if !inside.holds(&belongs.campaign, &belongs.step) {
            continue;
        }
        let numbers = scope.links.entry(click.link.clone()).or_default();
        add(numbers, "total");
        if let Some(reason) = &belongs.machine {
            add(numbers, "machine");
            add(numbers, &format!("machine.{reason}"));
            continue;
        }
        add(numbers, "human");
        if let Some(contact) = &click.contact
            && people.insert((contact, &belongs.step, &click.link))
        {
            add(numbers, "unique");
        }
    }
}

/// §4 Control group: "target = contacts attempted (or skipped with `group: "target"`), control = `control`; a contact's window opens at
/// its first attempt or its control dispatch and lasts the attribution window; every conversion of an included goal in it counts,
/// whatever last touch says. A contact in both is counted in neither: `contaminated`."
fn experiment(campaign: &str, facts: &Facts, policies: &Policies) -> Experiment {
    let Some(policy) = policies.get(campaign) else {
        return Experiment::default();
    };
    let mut attempts: BTreeMap<&str, i64> = BTreeMap::new();
    let mut first = |contact, at: i64| {
        let known = attempts.entry(contact).or_insert(at);
        *known = (*known).min(at);
    };
    for message in facts.messages.iter().filter(|m| m.campaign == campaign) {
        first(message.contact.as_str(), message.sent());
    }
    // An error was an attempt, whether it was accepted after all or not.
    for failure in facts.failures.iter().filter(|f| f.campaign == campaign) {
        first(failure.contact.as_str(), failure.at);
    }
    let mut target = attempts;
    let mut control = BTreeMap::new();
    for left_out in facts.left_out.iter().filter(|l| l.campaign == campaign) {
        let contact = left_out.contact.as_str();
        if left_out.control {
            control.insert(contact, left_out.at);
        } else if left_out.target {
            // A skipped target was never attempted: its window opens when it was skipped [23].
            target.entry(contact).or_insert(left_out.at);
        }
    }
    let both: BTreeSet<&str> = target.keys().copied().filter(|contact| control.contains_key(contact)).collect();
    let arm = |windows: BTreeMap<&str, i64>| {
        let mut arm = Arm::default();
        for (contact, from) in windows.into_iter().filter(|(contact, _)| !both.contains(contact)) {
            arm.contacts.insert(contact.to_owned());
            for conversion in facts.conversions.iter().filter(|c| c.contact == contact && policy.takes(&c.goal)) {
                if from <= conversion.at && conversion.at < from + policy.attribution_window_ms {
                    arm.converted.insert(contact.to_owned());
                    if let Some((amount, currency)) = &conversion.value {
                        decimal::add(&mut arm.revenue, currency, amount);
                    }
                }
            }
        }
        arm
    };
    Experiment {
        target: arm(target),
        control: arm(control),
        contaminated: both.iter().map(|contact| (*contact).to_owned()).collect(),
    }
}

/// §7: every message of the workspace, by category and country.
fn usage(facts: &Facts, engagement: &Engagement, answers: &mut Answers) {
    let mut add_at = |at: i64, what: &str, category: &str, country: &str| {
        add(answers.usage.entry(quarter(at)).or_default(), &format!("{what}.{category}.{country}"));
    };
    for conversation in &answers.conversations {
        add_at(conversation.opened_ms, "conversations", &conversation.category, &conversation.country);
    }
    for (m, message) in facts.messages.iter().enumerate() {
        if let Some(at) = engagement.states[m].delivered {
            add_at(at, "messages_delivered", &message.category, &message.country);
        }
        if billable(m, facts, engagement) {
            add_at(billed_ms(m, engagement), "billable", &message.category, &message.country);
        }
    }
}

fn unclaimed(facts: &Facts, engagement: &Engagement, unclaimed: &mut Numbers) {
    for (reply, _) in engagement.replies.iter().filter(|(_, to)| to.is_none()) {
        add(unclaimed, "replies");
        if facts.inbound[*reply].what == What::QuickReply {
            add(unclaimed, "quick_replies");
        }
    }
    for _ in engagement.conversions.iter().filter(|to| to.is_none()) {
        add(unclaimed, "conversions");
    }
    if facts.conversions_of_nobody > 0 {
        unclaimed.insert("conversions_of_nobody".to_owned(), facts.conversions_of_nobody);
    }
}
