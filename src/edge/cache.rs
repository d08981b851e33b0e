//! Definitions in an isolate's memory: from KV's read copies, and from the Registry where KV has none.
//!
//! A copy in KV may be two minutes old, one in memory [`CACHED_MS`] more; who finds that one may be too old asks the Registry.
//! Memory holds finished values only, never what another request waits for.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::config::Config;
use super::now_ms;
use super::objects::within;
use super::registry::ask;
use crate::bounds::{ABSENT_MS, CACHED_MS, CACHED_RECORDS, COPY_READ_MS};
use crate::campaign::Campaign;
use crate::channel::Channel;
use crate::event::Ms;
use crate::keys::Key;
use crate::link::Link;
use crate::problem::Problem;
use crate::provider::Provider;
use crate::provider::custom::Mapping;
use crate::registry::{Command, Kind, SETTINGS};
use crate::settings::Settings;

/// A channel, ready for its callbacks.
pub struct OpenChannel {
    pub channel: Channel,
    pub provider: Provider,
    pub mapping: Option<Mapping>,
    /// In the clear: they stay in memory.
    pub secrets: Vec<String>,
}

/// What is kept of one kind of record.
pub trait Kept: Sized + 'static {
    const KIND: Kind;
    type Record: DeserializeOwned;

    fn of(config: &Config, record: Self::Record) -> Option<Self>;
    fn memory<T>(work: impl FnOnce(&mut Memory<Self>) -> T) -> T;
}

/// Values by id, each with the time until which it is used; an absent record is remembered too, for a shorter time.
pub struct Memory<T>(HashMap<String, (Option<Rc<T>>, Ms)>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Memory<T> {
    fn get(&self, id: &str, now_ms: Ms) -> Option<Option<Rc<T>>> {
        self.0.get(id).filter(|(_, until_ms)| now_ms < *until_ms).map(|(value, _)| value.clone())
    }

    fn put(&mut self, id: &str, value: Option<Rc<T>>, now_ms: Ms) {
        if self.0.len() >= CACHED_RECORDS {
            self.0.retain(|_, (_, until_ms)| now_ms < *until_ms);
            if self.0.len() >= CACHED_RECORDS {
                self.0.clear();
            }
        }
        let good_for_ms = if value.is_some() { CACHED_MS } else { ABSENT_MS };
        self.0.insert(id.to_owned(), (value, now_ms + good_for_ms));
    }
}

/// The record `id`, from memory, else from KV, else from the Registry; `None` if there is none.
///
/// # Errors
/// 503, if neither answers.
pub async fn get<T: Kept>(config: &Config, id: &str) -> Result<Option<Rc<T>>, Problem> {
    if let Some(value) = T::memory(|memory| memory.get(id, now_ms())) {
        return Ok(value);
    }
    let copy = within(config.kv.get(&T::KIND.copy_key(id)).text(), COPY_READ_MS).await;
    let copy = copy.ok().and_then(Result::ok).flatten();
    match copy.and_then(|text| serde_json::from_str(&text).ok()).and_then(|record| T::of(config, record)) {
        Some(value) => Ok(Some(keep(id, Some(value)))).map(Option::flatten),
        None => renew(config, id).await,
    }
}

/// The record `id` as the Registry has it now.
///
/// # Errors
/// 503, if it does not answer.
pub async fn renew<T: Kept>(config: &Config, id: &str) -> Result<Option<Rc<T>>, Problem> {
    let command = Command::Get {
        kind: T::KIND,
        id: id.to_owned(),
    };
    match ask::<T::Record>(config, &command).await {
        Ok((_, record)) => Ok(keep(id, T::of(config, record))),
        Err(problem) if problem.status == 404 => Ok(keep(id, None)),
        Err(problem) => Err(problem),
    }
}

/// Makes this isolate forget a record that it has just seen change.
pub fn forget(kind: Kind, id: &str) {
    match kind {
        Kind::Channel => OpenChannel::memory(|memory| memory.0.remove(id).is_some()),
        Kind::Campaign => Campaign::memory(|memory| memory.0.remove(id).is_some()),
        Kind::Link => Link::memory(|memory| memory.0.remove(id).is_some()),
        Kind::Settings => Settings::memory(|memory| memory.0.remove(id).is_some()),
    };
}
