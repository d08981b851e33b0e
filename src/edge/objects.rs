//! Calls from the worker (and between objects) to Durable Objects: a method of theirs, one JSON text each way, never without a
//! deadline.
//!
//! By the platform's RPC, as objects in JavaScript are called: a request and a response would take half as long again.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Delay;

use crate::problem::Problem;

/// The digits of a status, which an answer begins with.
const STATUS_DIGITS: usize = 3;

#[wasm_bindgen(module = "/src/edge/objects.js")]
extern "C" {
    /// A namespace of Durable Objects, as it is bound in `wrangler.toml`.
    #[derive(Clone)]
    pub type Namespace;
    #[wasm_bindgen(catch)]
    fn ask(namespace: &Namespace, name: &str, method: &str, text: &str) -> Result<Promise, JsValue>;
}

/// Why a call brought no answer. Each may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It did not come in time: what was asked may have been done all the same.
    Late,
    /// The platform refused, or the object broke off.
    Failed,
}

/// Calls a method of the object `name` with a text; gives the status and the text of its answer.
pub async fn call(
    namespace: &Namespace,
    name: &str,
    method: &str,
    text: &str,
    deadline_ms: u64,
) -> Result<(u16, String), NoAnswer> {
    within(call_unbounded(namespace, name, method, text), deadline_ms).await?
}

/// The same without a deadline, for calls that share one around all of them ([`within`]): a timer takes a thirtieth of a whole callback.
pub async fn call_unbounded(namespace: &Namespace, name: &str, method: &str, text: &str) -> Result<(u16, String), NoAnswer> {
    let answer = async { JsFuture::from(ask(namespace, name, method, text)?).await };
    let mut answer = answer.await.ok().and_then(|answer| answer.as_string()).ok_or(NoAnswer::Failed)?;
    let status = answer.get(..STATUS_DIGITS).and_then(|status| status.parse().ok()).ok_or(NoAnswer::Failed)?;
    answer.drain(..STATUS_DIGITS);
    Ok((status, answer))
}

/// What an object says to [`call`]: a status and a text, or what is wrong.
pub fn say(said: Result<(u16, String), Problem>) -> String {
    let (status, mut text) = said.unwrap_or_else(|problem| (problem.status, problem.to_json()));
    text.insert_str(0, &status.to_string());
    text
}

/// Gives up on `work` after a time; what it asked for goes on all the same.
pub async fn within<T>(work: impl Future<Output = T>, deadline_ms: u64) -> Result<T, NoAnswer> {
    match select(pin!(work), pin!(Delay::from(Duration::from_millis(deadline_ms)))).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right(_) => Err(NoAnswer::Late),
    }
}
