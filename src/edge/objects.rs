//! Calls from the worker (and between objects) to Durable Objects: one JSON text each way, never without a deadline.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::{JsString, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Delay;
use worker::worker_sys::web_sys;

use super::http::Response;
use crate::problem::Problem;

/// The header of an object's answer that holds the whole of it.
const ANSWER: &str = "answer";

/// The longest answer in a head; one of visible ASCII alone, so that no reading of headers changes it.
const ANSWER_BYTES: usize = 1_000;

#[wasm_bindgen]
extern "C" {
    /// A namespace of Durable Objects, as it is bound in `wrangler.toml`.
    #[derive(Clone)]
    pub type Namespace;
    #[wasm_bindgen(structural, method, catch, js_name = getByName)]
    fn get_by_name(this: &Namespace, name: &str) -> Result<Stub, JsValue>;

    type Stub;
    #[wasm_bindgen(structural, method, catch)]
    fn fetch(this: &Stub, url: &str, init: &web_sys::RequestInit) -> Result<Promise, JsValue>;
}

/// Why a call brought no answer. Each may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It did not come in time: what was asked may have been done all the same.
    Late,
    /// The platform refused, or the object broke off.
    Failed,
}

/// Posts `body` to the object `name`; gives the status and the text of its answer.
pub async fn call(
    namespace: &Namespace,
    name: &str,
    path: &str,
    body: &str,
    deadline_ms: u64,
) -> Result<(u16, String), NoAnswer> {
    within(call_unbounded(namespace, name, path, body), deadline_ms).await?
}

/// The same without a deadline, for calls that share one around all of them ([`within`]): a timer takes a thirtieth of a whole callback.
pub async fn call_unbounded(namespace: &Namespace, name: &str, path: &str, body: &str) -> Result<(u16, String), NoAnswer> {
    let answer = async {
        let init = web_sys::RequestInit::new();
        init.set_method("POST");
        init.set_body(&JsValue::from_str(body));
        let response: Response = JsFuture::from(namespace.get_by_name(name)?.fetch(path, &init)?).await?.unchecked_into();
        if let Some(text) = response.headers().get(ANSWER)? {
            return Ok((response.status(), text));
        }
        let text: JsString = JsFuture::from(response.text()?).await?.unchecked_into();
        Ok((response.status(), String::from(text)))
    };
    answer.await.map_err(|_: JsValue| NoAnswer::Failed)
}

/// What an object says to [`call`]: a status and a text, or what is wrong.
///
/// A short text stands in the head: a body costs its reader another turn of the event loop, a tenth of a whole callback.
pub fn say(said: Result<(u16, String), Problem>) -> worker::Result<worker::Response> {
    let (status, text) = said.unwrap_or_else(|problem| (problem.status, problem.to_json()));
    let fits = !text.is_empty() && text.len() <= ANSWER_BYTES && text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    let answer = worker::Response::builder().with_status(status);
    Ok(if fits { answer.with_header(ANSWER, &text)?.empty() } else { answer.fixed(text.into_bytes()) })
}

/// Gives up on `work` after a time; what it asked for goes on all the same.
pub async fn within<T>(work: impl Future<Output = T>, deadline_ms: u64) -> Result<T, NoAnswer> {
    match select(pin!(work), pin!(Delay::from(Duration::from_millis(deadline_ms)))).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right(_) => Err(NoAnswer::Late),
    }
}
