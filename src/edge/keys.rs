//! Keys at the edge: who asks, and the routes that give keys out and take them away.
//!
//! An isolate knows every key that is good, as the Registry said it less than a minute ago, so whether a key is unknown, revoked
//! or malformed is found in one way: it is not among them. A flood of such keys asks the Registry once per isolate and second.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use worker::Context;

use super::config::Config;
use super::definitions::ask;
use super::http::{self, Request};
use super::{Answer, now_ms, random};
use crate::access::{self, Key, Principal};
use crate::bounds::{ABSENT_MS, KEYS_MOST_MS, KEYS_MS};
use crate::event::Ms;
use crate::problem::Problem;
use crate::registry::Command;

/// Every key by its id.
type Keys = Rc<HashMap<String, Key>>;

#[derive(Default)]
struct Known {
    keys: Keys,
    /// When the Registry was asked for them; 0 for never.
    said_ms: Ms,
    /// When it was last asked for them anew, after an answer.
    asked_ms: Ms,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Who has the key that the request carries.
///
/// # Errors
/// 401 without a good key; 503, if the Registry does not answer.
pub async fn principal(config: &Rc<Config>, context: &Context, request: &Request) -> Result<Principal, Problem> {
    let header = http::header(request, "authorization").unwrap_or_default();
    let bearer = header.split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer "));
    let secret = bearer.map(|(_, key)| key.trim()).filter(|key| !key.is_empty()).ok_or_else(Problem::unauthorized)?;
    // Hashes are compared, in a time that does not tell how much of a key is right, nor how long it is.
    if bool::from(Sha256::digest(secret).ct_eq(&Sha256::digest(&config.admin_key))) {
        return Ok(Principal::operator());
    }
    let id = access::id(secret);
    let find = |keys: &Keys| keys.get(&id).filter(|key| key.is_good(now_ms())).map(Principal::of);
    let (known, age_ms) = KNOWN.with_borrow(|known| (Rc::clone(&known.keys), now_ms() - known.said_ms));
    if age_ms < KEYS_MOST_MS
        && let Some(principal) = find(&known)
    {
        if age_ms > KEYS_MS {
            learn_later(config, context);
        }
        return Ok(principal);
    }
    let known = if age_ms < ABSENT_MS { known } else { learn(config).await? };
    find(&known).ok_or_else(Problem::unauthorized)
}

/// Who has the key of this id, if it is good now; the empty one is the deployment's own. It waits for the Registry where what is
/// known is too old to be used unasked.
///
/// # Errors
/// 401, if it is not; 503, if the Registry does not answer.
pub async fn holder(config: &Config, id: &str) -> Result<Principal, Problem> {
    if id.is_empty() {
        return Ok(Principal::operator());
    }
    let (known, age_ms) = KNOWN.with_borrow(|known| (Rc::clone(&known.keys), now_ms() - known.said_ms));
    let known = if age_ms < KEYS_MS { known } else { learn(config).await? };
    known.get(id).filter(|key| key.is_good(now_ms())).map(Principal::of).ok_or_else(Problem::unauthorized)
}

/// Asks after the answer, and not for every request that comes meanwhile.
fn learn_later(config: &Rc<Config>, context: &Context) {
    let now_ms = now_ms();
    let due = KNOWN.with_borrow_mut(|known| {
        let due = now_ms - known.asked_ms >= ABSENT_MS;
        if due {
            known.asked_ms = now_ms;
        }
        due
    });
    if due {
        let config = Rc::clone(config);
        context.wait_until(async move {
            // What does not answer is asked again by the next request.
            let _ = learn(&config).await;
        });
    }
}

async fn learn(config: &Config) -> Result<Keys, Problem> {
    // The answer is as old as the question.
    let said_ms = now_ms();
    let (_, keys) = ask::<Vec<Key>>(config, &Command::Keys).await?;
    let keys = Keys::new(keys.into_iter().map(|key| (key.id.clone(), key)).collect());
    KNOWN.with_borrow_mut(|known| {
        if said_ms > known.said_ms {
            (known.keys, known.said_ms) = (Rc::clone(&keys), said_ms);
        }
    });
    Ok(keys)
}

/// `POST /v1/keys`, and with a campaign `POST /v1/campaigns/{campaign}/shares`
pub async fn make(config: &Config, campaign: &str, body: Value, origin: &str) -> Answer {
    let share = !campaign.is_empty();
    let secret = access::secret(campaign, &random::bytes()?);
    let command = Command::PostKey { id: access::id(&secret), campaign: campaign.to_owned(), body };
    let (_, key) = ask::<Key>(config, &command).await?;
    let mut shown = key.to_json();
    if let Some(shown) = shown.as_object_mut() {
        if share {
            // In the fragment, which browsers send to nobody.
            shown.insert("url".to_owned(), json!(format!("{origin}/#share={secret}")));
        }
        shown.insert(if share { "token" } else { "key" }.to_owned(), json!(secret));
    }
    forget(config).await;
    Ok(http::answer(201, &[("content-type", "application/json"), ("cache-control", "no-store")], Some(&shown.to_string()))?)
}

/// `DELETE /v1/keys/{id}`, and with a campaign `DELETE /v1/campaigns/{campaign}/shares/{id}`
pub async fn revoke(config: &Config, campaign: &str, id: &str) -> Answer {
    ask::<Value>(config, &Command::DeleteKey { id: id.to_owned(), campaign: campaign.to_owned() }).await?;
    forget(config).await;
    Ok(http::answer(204, &[], None)?)
}

/// Lets this isolate know at once what changed; the others learn it within a minute.
async fn forget(config: &Config) {
    KNOWN.take();
    // Without an answer the next request asks.
    let _ = learn(config).await;
}
