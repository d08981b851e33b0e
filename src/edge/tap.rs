//! A person taps: the redirect, at once, and the click, after.

use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use worker::Context;

use super::cache::{self, OpenLink};
use super::config::Config;
use super::http::{self, Request};
use super::metrics::METRICS;
use super::{Answer, clicks, now_ms, random};
use crate::click::{ClickSignals, classify, device};
use crate::click_id::ClickId;
use crate::contact::Handle;
use crate::event::{Click, Person};
use crate::link;
use crate::target::Target;
use crate::token::{Opened, TokenError, Who, open};

/// `GET|HEAD /c/{token}`: never waits for a counter, and with a sealed token for nothing at all.
pub async fn answer(config: &Rc<Config>, request: &Request, context: &Context, head: bool, token: &str, query: &str) -> Answer {
    let nothing = || http::answer(404, &[("content-type", "text/plain; charset=utf-8")], Some("This link leads nowhere.\n"));
    let opened = match open(token, &config.tokens, None) {
        Err(TokenError::HostsUnknown) => open(token, &config.tokens, Some(&cache::settings(config).await?.link_hosts)),
        opened => opened,
    };
    let Ok(opened) = opened else { return Ok(nothing()?) };
    let link = if opened.link_no == 0 {
        None
    } else {
        // A sealed token needs no link to redirect; without one its click has no campaign's name.
        match cache::get::<OpenLink>(config, &link::id(opened.link_no)).await {
            Ok(link) => link,
            Err(_) if opened.sealed.is_some() => None,
            Err(problem) => return Err(problem.into()),
        }
    };
    if link.as_ref().is_some_and(|link| link.link.disabled) {
        return Ok(nothing()?);
    }
    let Some((target, append_click_id, pass_query)) = leads_to(&opened, link.as_deref()) else {
        return Ok(nothing()?);
    };
    let (who, key) = match opened.who {
        Who::Handle(handle) => (Some(handle), None),
        Who::Key(ref key) => (Some(Handle::of(&config.partition.handle_key, key)), Some(key.clone())),
        Who::Nobody => (None, None),
    };
    let routes_by = match who {
        Some(handle) => handle,
        None => Handle(random::bytes()?),
    };
    let click_id = ClickId::new(routes_by, random::bytes()?).to_text();
    let location = target.location(pass_query.then_some(query), append_click_id.then_some(click_id.as_str()));
    let redirect = http::redirect(&location)?;
    METRICS.with(|metrics| metrics.clicks_answered.add(1));
    let click = click(request, head, click_id, link.as_deref());
    let routed = config.partition.route_click(who, key, click, now_ms());
    clicks::record_later(config, context, routed);
    Ok(redirect)
}

/// Where a token leads, whether the click id is appended there, and whether the query is passed on.
fn leads_to<'a>(opened: &'a Opened, link: Option<&'a OpenLink>) -> Option<(&'a Target, bool, bool)> {
    match (&opened.sealed, link) {
        (Some(sealed), _) => Some((&sealed.target, sealed.append_click_id, sealed.pass_query)),
        (None, Some(link)) => {
            let is = &link.link.declared;
            Some((&link.target, is.append_click_id, is.pass_query))
        }
        (None, None) => None,
    }
}

fn click(request: &Request, head: bool, click_id: String, link: Option<&OpenLink>) -> Click {
    let header = |name| http::header(request, name);
    let (user_agent, sec_purpose, purpose) = (header("user-agent"), header("sec-purpose"), header("purpose"));
    let cf = Reflect::get(request, &"cf".into()).unwrap_or_default();
    let signals = ClickSignals {
        head,
        user_agent: user_agent.as_deref(),
        sec_purpose: sec_purpose.as_deref(),
        purpose: purpose.as_deref(),
        ..bot_management(&cf)
    };
    let machine = classify(&signals);
    Click {
        click_id,
        at_ms: None,
        person: Person::default(),
        link: link.map(|link| link::id(link.link.no)),
        campaign: link.map(|link| link.link.declared.campaign.clone()),
        step: link.map(|link| link.link.declared.step.clone()).unwrap_or_default(),
        machine: machine.map(|reason| reason.as_str().to_owned()),
        channel: None,
        message_id: None,
        url: None,
        country: property(&cf, "country").as_string(),
        device: Some(device(user_agent.as_deref()).as_str().to_owned()),
    }
}

/// Cloudflare's own judgement, where the plan has it.
fn bot_management(cf: &JsValue) -> ClickSignals<'static> {
    let judged = property(cf, "botManagement");
    ClickSignals {
        bot_score: property(&judged, "score").as_f64().map(|score| score as u8),
        verified_bot: property(&judged, "verifiedBot").is_truthy(),
        ..ClickSignals::default()
    }
}

/// A property of what may be no object.
fn property(of: &JsValue, name: &str) -> JsValue {
    if of.is_object() { Reflect::get(of, &name.into()).unwrap_or_default() } else { JsValue::UNDEFINED }
}
