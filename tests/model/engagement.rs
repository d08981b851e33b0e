//! §4: which message a reply, reaction, click or conversion belongs to, and what that proves of the message.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Click, Conversion, Facts, Inbound, Message, What};
use super::{DAY_MS, HOUR_MS, Policies, Policy};

/// The window of replies to what no declared campaign sent [14].
const DEFAULT_REPLY_WINDOW_MS: i64 = 72 * HOUR_MS;

/// "At most 20 human clicks per contact, link and UTC day are kept one by one".
const HUMAN_CLICKS_PER_DAY: usize = 20;

/// What belongs to which message, by place in [`Facts`].
#[derive(Default)]
pub struct Engagement {
    /// For every inbound of the facts: the message that it quotes or reacts to, if that is known.
    pub quoted: Vec<Option<usize>>,
    /// Inbound that is a reply, with its message; `None`: counted as inbound, belonging to nobody.
    pub replies: Vec<(usize, Option<usize>)>,
    /// A contact's reactions that stand: the inbound, and its message if that is known.
    pub reactions: Vec<(usize, Option<usize>)>,
    /// For every click of the facts.
    pub clicks: Vec<BelongingClick>,
    /// For every conversion of the facts: its message.
    pub conversions: Vec<Option<usize>>,
    /// For every message of the facts: how far it came.
    pub states: Vec<States>,
}

pub struct BelongingClick {
    /// `None`: a human.
    pub machine: Option<String>,
    pub message: Option<usize>,
    pub campaign: String,
    pub step: String,
}

/// §3: the states of one message, each with its time.
#[derive(Clone, Debug, Default)]
pub struct States {
    pub sent: i64,
    pub delivered: Option<i64>,
    pub opened: Option<i64>,
    pub read: Option<i64>,
    pub failed: Option<i64>,
}

pub fn attribute(facts: &Facts, policies: &Policies) -> Engagement {
    let quoted: Vec<_> = facts.inbound.iter().map(|inbound| quoted_message(inbound, facts)).collect();
    let mut engagement = Engagement {
        replies: replies(facts, &quoted, policies),
        reactions: reactions(facts, &quoted),
        quoted,
        clicks: clicks(facts, policies),
        ..Engagement::default()
    };
    engagement.states = (0..facts.messages.len()).map(|message| states(message, facts, &engagement)).collect();
    engagement.conversions =
        facts.conversions.iter().map(|conversion| converted_message(conversion, facts, &engagement, policies)).collect();
    engagement
}

fn policy<'a>(message: &Message, policies: &'a Policies) -> Option<&'a Policy> {
    policies.get(&message.campaign)
}

/// The message that an inbound quotes or reacts to, "if it is known for this contact": a message is known by a dispatch or a
/// status [4].
fn quoted_message(inbound: &Inbound, facts: &Facts) -> Option<usize> {
    let quoted = inbound.quoted.as_ref()?;
    facts.messages.iter().position(|m| m.contact == inbound.contact && m.provider == inbound.provider && m.id == *quoted)
}

fn is_reply(inbound: &Inbound) -> bool {
    // "Reactions, system, edit, revoke and unsupported inbound are no replies"; a quick reply "is a reply too".
    matches!(inbound.what, What::Message | What::QuickReply)
}

fn replies(facts: &Facts, quoted: &[Option<usize>], policies: &Policies) -> Vec<(usize, Option<usize>)> {
    let mut replies = Vec::new();
    for (place, inbound) in facts.inbound.iter().enumerate().filter(|(_, inbound)| is_reply(inbound)) {
        // "A quoted message wins, whatever it is, if it is known for this contact. Otherwise the contact's latest message of a
        // campaign from that sender that was sent strictly before and is not failed by its statuses alone (ties: larger step, then
        // message id)."
        let message = quoted[place].or_else(|| {
            (0..facts.messages.len())
                .filter(|&m| {
                    let message = &facts.messages[m];
                    message.contact == inbound.contact
                        && policy(message, policies).is_some()
                        && message.fits(&inbound.provider, &inbound.channel, inbound.sender.as_deref())
                        && message.sent() < inbound.at
                        && !message.failed_by_statuses()
                })
                .max_by_key(|&m| (facts.messages[m].sent(), &facts.messages[m].step, facts.messages[m].tie()))
        });
        // "Outside the window it is counted as inbound, belonging to nobody." The window is start ≤ t < start + length, for a
        // quote as well [15].
        let message = message.filter(|&m| {
            let message = &facts.messages[m];
            let window = policy(message, policies).map_or(DEFAULT_REPLY_WINDOW_MS, |policy| policy.reply_window_ms);
            message.sent() <= inbound.at && inbound.at < message.sent() + window
        });
        replies.push((place, message));
    }
    replies
}

/// "`reactions` are counted in the campaign of the message they name; a contact's latest word on a message counts, so a removed one is
/// none" [16].
fn reactions(facts: &Facts, quoted: &[Option<usize>]) -> Vec<(usize, Option<usize>)> {
    let mut words: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (place, inbound) in facts.inbound.iter().enumerate() {
        if let (What::ReactionSet | What::ReactionRemoved, Some(id)) = (inbound.what, &inbound.quoted) {
            let about = (&inbound.contact, &inbound.provider, id);
            words.entry(about).or_default().insert((inbound.at, &inbound.id, place));
        }
    }
    words
        .into_values()
        .filter_map(|words| words.last().map(|(_, _, place)| *place))
        .filter(|place| facts.inbound[*place].what == What::ReactionSet)
        .map(|place| (place, quoted[place]))
        .collect()
}

fn clicks(facts: &Facts, policies: &Policies) -> Vec<BelongingClick> {
    let flood = flood(&facts.clicks);
    facts
        .clicks
        .iter()
        .enumerate()
        .map(|(place, click)| {
            let message = clicked_message(click, facts, policies);
            // A provider's click counts where its message counts; a tracking link says where it belongs itself.
            let (campaign, step) = match message {
                Some(m) => (facts.messages[m].campaign.clone(), facts.messages[m].step.clone()),
                None => (click.campaign.clone(), click.step.clone()),
            };
            let flooded = flood.contains(&place).then(|| "flood".to_owned());
            BelongingClick { machine: click.machine.clone().or(flooded), message, campaign, step }
        })
        .collect()
}

/// "At most 20 human clicks per contact, link and UTC day are kept one by one (earliest by time, then id); the rest are `flood`."
/// Clicks without a contact are not bounded [17].
fn flood(clicks: &[Click]) -> BTreeSet<usize> {
    let mut days: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (place, click) in clicks.iter().enumerate() {
        if let (Some(contact), None) = (&click.contact, &click.machine) {
            let day = click.at.div_euclid(DAY_MS);
            days.entry((contact, &click.link, day)).or_default().insert((click.at, &click.id, place));
        }
    }
    days.into_values().flat_map(|day| day.into_iter().skip(HUMAN_CLICKS_PER_DAY).map(|(_, _, place)| place)).collect()
}

/// "It belongs to the contact's latest message of its campaign and step sent at or before it, else the earliest after it, else to
/// campaign and contact alone." A provider's click belongs to the message that it names [18].
fn clicked_message(click: &Click, facts: &Facts, policies: &Policies) -> Option<usize> {
    let contact = click.contact.as_ref()?;
    let all = || 0..facts.messages.len();
    if let Some((provider, id)) = &click.names {
        let named = all().find(|&m| {
            let message = &facts.messages[m];
            message.contact == *contact && message.provider == *provider && message.id == *id
        });
        if named.is_some() {
            return named;
        }
    }
    if !policies.contains_key(&click.campaign) {
        return None;
    }
    let own = || {
        all().filter(|&m| {
            let message = &facts.messages[m];
            message.contact == *contact && message.campaign == click.campaign && message.step == click.step
        })
    };
    let by_time = |m: &usize| (facts.messages[*m].sent(), facts.messages[*m].tie());
    let before = own().filter(|&m| facts.messages[m].sent() <= click.at).max_by_key(by_time);
    before.or_else(|| own().min_by_key(by_time))
}

/// §3, the table.
fn states(message: usize, facts: &Facts, engagement: &Engagement) -> States {
    let own = &facts.messages[message];
    let sent = own.sent();

    // "*Engaged*: a quote of it or a reaction to it at any time" (inside the reply window or not; set or removed) [19]
    let quotes_and_reactions = facts
        .inbound
        .iter()
        .zip(&engagement.quoted)
        .filter(|(inbound, quoted)| inbound.what != What::Other && **quoted == Some(message))
        .map(|(inbound, _)| inbound.at);
    // "or, at or after its first other fact, an unquoted reply …"
    let unquoted_replies = engagement
        .replies
        .iter()
        .filter(|(reply, to)| *to == Some(message) && engagement.quoted[*reply].is_none())
        .map(|(reply, _)| facts.inbound[*reply].at)
        .filter(|at| *at >= sent);
    // "… or human click that belongs to it; an earlier one counts and proves nothing"
    let clicks = human_clicks(message, facts, engagement).into_iter().filter(|at| *at >= sent);

    // "engaged other than by an unquoted reply"
    let engaged_seeing = quotes_and_reactions.chain(clicks).min();
    let engaged = engaged_seeing.into_iter().chain(unquoted_replies).min();

    let read = own.earliest(&["read", "played"]);
    let delivered = own.earliest(&["delivered", "read", "played"]).into_iter().chain(engaged).min();
    States {
        sent,
        delivered,
        opened: read.into_iter().chain(engaged_seeing).min(),
        read,
        failed: own.status("failed").filter(|_| delivered.is_none()),
    }
}

/// The times of the human clicks that belong to a message.
pub fn human_clicks(message: usize, facts: &Facts, engagement: &Engagement) -> Vec<i64> {
    let of_message = |(click, belongs): (&Click, &BelongingClick)| {
        (belongs.message == Some(message) && belongs.machine.is_none()).then_some(click.at)
    };
    facts.clicks.iter().zip(&engagement.clicks).filter_map(of_message).collect()
}

/// "It goes to the one message, of a declared campaign whose goals include it, with the latest touch T with T ≤ time < T + window (ties:
/// larger message id); the touch `clicked` is the latest human click at or before it, the others are the state's time."
fn converted_message(conversion: &Conversion, facts: &Facts, engagement: &Engagement, policies: &Policies) -> Option<usize> {
    (0..facts.messages.len())
        .filter(|&m| facts.messages[m].contact == conversion.contact)
        .filter_map(|m| {
            let policy = policy(&facts.messages[m], policies).filter(|policy| policy.takes(&conversion.goal))?;
            let states = &engagement.states[m];
            let touch = match policy.touch.as_str() {
                "delivered" => states.delivered,
                "read" => states.read,
                "opened" => states.opened,
                "clicked" => human_clicks(m, facts, engagement).into_iter().filter(|at| *at <= conversion.at).max(),
                other => panic!("no such touch: {other}"),
            }?;
            (touch <= conversion.at && conversion.at < touch + policy.attribution_window_ms).then_some((touch, m))
        })
        .max_by_key(|&(touch, m)| (touch, facts.messages[m].tie()))
        .map(|(_, m)| m)
}
