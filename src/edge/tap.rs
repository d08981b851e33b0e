//! A person taps: the redirect, at once, and the click, after.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use wasm_bindgen::prelude::*;
use worker::{Context, Delay};

use super::cache::{self, OpenLink};
use super::config::Config;
use super::http::{self, Request, Response};
use super::metrics::METRICS;
use super::{Answer, clicks, now_ms, random};
use crate::bounds::{CACHED_AGENTS, NAME_ATTEMPTS, TEXT_BYTES};
use crate::campaign::Campaign;
use crate::click::{ClickSignals, Device, Reason, classify_known, device, of_agent};
use crate::click_id::ClickId;
use crate::contact::Handle;
use crate::event::{Click, Event, Person};
use crate::ledger::Routed;
use crate::link;
use crate::registry::{SETTINGS, numbered};
use crate::settings::Settings;
use crate::target::Target;
use crate::token::{Opened, TokenError, Who, open};

#[wasm_bindgen(module = "/src/edge/tap.js")]
extern "C" {
    fn signals(request: &Request) -> String;
    #[wasm_bindgen(catch)]
    fn redirect(location: &str) -> Result<Response, JsValue>;
}

/// `GET|HEAD /c/{token}`: never waits for a counter, and with a sealed token for nothing at all.
pub async fn answer(config: &Rc<Config>, request: &Request, context: &Context, head: bool, token: &str, query: &str) -> Answer {
    let opened = match open(token, &config.tokens, None) {
        Err(TokenError::HostsUnknown) => {
            // A minting key is held by somebody else: without the list of hosts it may name none.
            let settings = cache::get_at_once::<Settings>(config, context, SETTINGS).await?.unwrap_or_default();
            open(token, &config.tokens, Some(&settings.link_hosts))
        }
        opened => opened,
    };
    let Ok(opened) = opened else { return nowhere() };
    if cache::denied(config, context).await.denies(&opened) {
        return nowhere();
    }
    let link = match &opened.sealed {
        // It redirects by itself; its link only names its clicks.
        Some(_) => cache::known::<OpenLink>(&link::id(opened.link_no)),
        None => cache::get_at_once::<OpenLink>(config, context, &link::id(opened.link_no)).await?,
    };
    let Some((target, append_click_id, pass_query)) = leads_to(&opened, link.as_deref()) else { return nowhere() };
    let (who, key) = match &opened.who {
        Who::Handle(handle) => (Some(*handle), None),
        Who::Key(key) => (Some(Handle::of(&config.partition.handle_key, key)), Some(key.clone())),
        Who::Nobody => (None, None),
    };
    let entropy: [u8; 20] = random::bytes()?;
    let click_id = click_id(who, entropy).to_text();
    let location = target.location(pass_query.then_some(query), append_click_id.then_some(click_id.as_str()));
    let redirect = redirect(&location).map_err(http::Failure::from)?;
    METRICS.with(|metrics| metrics.clicks_answered.add(1));
    let mut click = click(request, head, click_id);
    if opened.link_no == 0 {
        click.url = Some(target.without_query().to_owned());
    } else {
        click.link = Some(link::id(opened.link_no));
    }
    let named = name(&mut click, &opened, link.as_deref());
    let tap = config.partition.route_click(who, key, click, now_ms());
    if named {
        clicks::record_later(config, context, tap, who.is_none());
    } else {
        context.wait_until(name_and_record(Rc::clone(config), opened, tap, who.is_none()));
    }
    Ok(redirect)
}

/// The plain page of what leads nowhere: one for every reason.
fn nowhere() -> Answer {
    let headers = [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"), ("x-robots-tag", "noindex")];
    Ok(http::answer(404, &headers, Some("This link leads nowhere.\n"))?)
}

/// Where a token leads, whether the click id is appended there, and whether the query is passed on.
fn leads_to<'a>(opened: &'a Opened, link: Option<&'a OpenLink>) -> Option<(&'a Target, bool, bool)> {
    match (&opened.sealed, link) {
        (Some(sealed), _) => Some((&sealed.target, sealed.append_click_id, sealed.pass_query)),
        (None, Some(link)) => {
            let is = &link.link.declared;
            (!link.link.disabled).then_some((&link.target, is.append_click_id, is.pass_query))
        }
        (None, None) => None,
    }
}

/// Of the contact, or (of nobody) random.
fn click_id(who: Option<Handle>, entropy: [u8; 20]) -> ClickId {
    let [a, b, c, d, e, f, g, h, random @ ..] = entropy;
    ClickId::new(who.unwrap_or(Handle(random)), [a, b, c, d, e, f, g, h])
}

fn click(request: &Request, head: bool, click_id: String) -> Click {
    let signals = signals(request);
    let mut lines = signals.split('\n');
    let mut line = || lines.next().filter(|line| !line.is_empty());
    let user_agent = line();
    let (sec_purpose, purpose, country) = (line(), line(), line());
    let (bot_score, verified_bot) = (line().and_then(|score| score.parse().ok()), line().is_some());
    let (reason, device) = agent(user_agent);
    let signals = ClickSignals { head, user_agent, sec_purpose, purpose, bot_score, verified_bot };
    let machine = classify_known(&signals, reason);
    Click {
        click_id,
        at_ms: None,
        person: Person::default(),
        link: None,
        campaign: None,
        step: String::new(),
        machine: machine.map(|reason| reason.as_str().to_owned()),
        channel: None,
        message_id: None,
        url: None,
        country: country.map(str::to_owned),
        device: Some(device.as_str().to_owned()),
        count: 1,
    }
}

type Agent = (Option<Reason>, Device);

/// What a user agent tells, read once for all who have the same.
fn agent(user_agent: Option<&str>) -> Agent {
    thread_local! {
        static AGENTS: RefCell<HashMap<String, Agent>> = RefCell::default();
    }
    let text = user_agent.unwrap_or_default();
    AGENTS.with_borrow_mut(|agents| {
        if let Some(known) = agents.get(text) {
            return *known;
        }
        let told = (of_agent(user_agent), device(user_agent));
        if agents.len() >= CACHED_AGENTS {
            agents.clear();
        }
        if text.len() <= TEXT_BYTES {
            agents.insert(text.to_owned(), told);
        }
        told
    })
}

/// Writes into a click whose it is, if this isolate knows: a link never changes its campaign or step.
fn name(click: &mut Click, opened: &Opened, link: Option<&OpenLink>) -> bool {
    let campaign_no = opened.sealed.as_ref().map_or(0, |sealed| sealed.campaign_no);
    if let Some(link) = link {
        click.campaign = Some(link.link.declared.campaign.clone());
        click.step.clone_from(&link.link.declared.step);
    } else if opened.link_no == 0 && campaign_no != 0 {
        click.campaign = cache::known::<Campaign>(&numbered(campaign_no)).map(|campaign| campaign.id.clone());
    }
    click.campaign.is_some() || (opened.link_no == 0 && campaign_no == 0)
}

/// The same for a sealed token whose link or campaign this isolate has not seen: after the answer there is time to ask. A click
/// of which neither is to be had counts as nobody's campaign's.
async fn name_and_record(config: Rc<Config>, opened: Opened, mut tap: Routed, of_nobody: bool) {
    let campaign_no = opened.sealed.as_ref().map_or(0, |sealed| sealed.campaign_no);
    for attempt in 1..=NAME_ATTEMPTS {
        let asked = match opened.link_no {
            0 => cache::get::<Campaign>(&config, &numbered(campaign_no)).await.map(drop),
            no => cache::get::<OpenLink>(&config, &link::id(no)).await.map(drop),
        };
        if asked.is_ok() || attempt == NAME_ATTEMPTS {
            break;
        }
        Delay::from(Duration::from_secs(1)).await;
    }
    if let Event::Click(click) = &mut tap.event {
        let link = cache::known::<OpenLink>(&link::id(opened.link_no));
        name(click, &opened, link.as_deref());
    }
    clicks::record(config, tap, of_nobody).await;
}
