//! Definitions in an isolate's memory: from KV's read copies, and from the Registry where KV has none.
//!
//! A copy in KV may be two minutes old, one in memory [`CACHED_MS`] more; who finds that one may be too old asks the Registry.
//! Memory holds finished values only, never what another request waits for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::thread::LocalKey;

use serde::de::DeserializeOwned;
use worker::Context;

use super::config::Config;
use super::definitions::ask;
use super::now_ms;
use super::objects::within;
use crate::bounds::{ABSENT_MS, CACHED_MS, CACHED_RECORDS, COPY_LATE_MS, COPY_READ_MS, TAP_READ_MS};
use crate::campaign::Campaign;
use crate::channel::Channel;
use crate::denied::Denied;
use crate::event::Ms;
use crate::json;
use crate::link::Link;
use crate::problem::Problem;
use crate::provider::{Mapping, Provider};
use crate::registry::{Command, DENIED, Kind};
use crate::settings::Settings;
use crate::target::Target;

/// A channel, ready for its callbacks.
pub struct OpenChannel {
    pub channel: Channel,
    pub provider: Provider,
    pub mapping: Option<Mapping>,
    /// In the clear: they stay in memory.
    pub secrets: Vec<String>,
}

/// A link, ready for its taps.
pub struct OpenLink {
    pub link: Link,
    pub target: Target,
}

/// What is kept of one kind of record.
pub trait Kept: Sized + 'static {
    const KIND: Kind;
    const MEMORY: &'static LocalKey<RefCell<Memory<Self>>>;
    type Record: DeserializeOwned;

    /// What is made of a record once, so that its users need not.
    fn of(config: &Config, record: Self::Record) -> Option<Self>;
}

/// Values by id; an absent record is remembered too, for a shorter time.
pub struct Memory<T>(HashMap<String, Entry<T>>);

struct Entry<T> {
    value: Option<Rc<T>>,
    /// Until when it is used unasked.
    until_ms: Ms,
    /// When the Registry said it; 0 for a copy of unknown age from KV.
    said_ms: Ms,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Memory<T> {
    fn get(&self, id: &str, now_ms: Ms) -> Option<Option<Rc<T>>> {
        self.0.get(id).filter(|entry| now_ms < entry.until_ms).map(|entry| entry.value.clone())
    }

    /// What the Registry said less than [`ABSENT_MS`] ago.
    fn just_said(&self, id: &str, now_ms: Ms) -> Option<Option<Rc<T>>> {
        self.0.get(id).filter(|entry| now_ms < entry.said_ms + ABSENT_MS).map(|entry| entry.value.clone())
    }

    /// The value however old it is, and since when it is too old to be used unasked (before now: not yet).
    fn any(&self, id: &str) -> Option<(Option<Rc<T>>, Ms)> {
        self.0.get(id).map(|entry| (entry.value.clone(), entry.until_ms))
    }

    /// Lets the value be used unasked until then.
    fn extend(&mut self, id: &str, until_ms: Ms) {
        if let Some(entry) = self.0.get_mut(id) {
            entry.until_ms = until_ms;
        }
    }

    fn put(&mut self, id: &str, value: Option<Rc<T>>, now_ms: Ms, said_ms: Ms) {
        if self.0.len() >= CACHED_RECORDS {
            self.0.retain(|_, entry| now_ms < entry.until_ms);
            if self.0.len() >= CACHED_RECORDS {
                self.0.clear();
            }
        }
        let until_ms = now_ms + if value.is_some() { CACHED_MS } else { ABSENT_MS };
        let entry = Entry { value, until_ms, said_ms };
        self.0.insert(id.to_owned(), entry);
    }
}

/// The record `id`, from memory, else from KV, else from the Registry; `None` if there is none.
///
/// # Errors
/// 503, if neither answers.
pub async fn get<T: Kept>(config: &Config, id: &str) -> Result<Option<Rc<T>>, Problem> {
    if let Some(value) = T::MEMORY.with_borrow(|memory| memory.get(id, now_ms())) {
        return Ok(value);
    }
    read(config, id).await
}

/// The record `id` for a tap, which waits as little as it can: what this isolate knows is used for [`CACHED_MS`] unasked, for as
/// long again while it is renewed after the answer, and then for as long as neither KV nor the Registry answers within
/// [`TAP_READ_MS`]. Only what this isolate has never seen is waited for.
///
/// # Errors
/// 503, if this isolate has never seen it and neither answers.
pub async fn get_at_once<T: Kept>(config: &Rc<Config>, context: &Context, id: &str) -> Result<Option<Rc<T>>, Problem> {
    let Some((known, old_ms)) = T::MEMORY.with_borrow(|memory| memory.any(id)) else { return read(config, id).await };
    let now_ms = now_ms();
    if now_ms < old_ms {
        return Ok(known);
    }
    // Those who come meanwhile use what is known.
    T::MEMORY.with_borrow_mut(|memory| memory.extend(id, now_ms + CACHED_MS));
    if (known.is_none() || now_ms > old_ms + CACHED_MS)
        && let Ok(Ok(value)) = within(read(config, id), TAP_READ_MS).await
    {
        return Ok(value);
    }
    let (config, id) = (Rc::clone(config), id.to_owned());
    context.wait_until(async move {
        // What does not answer is asked again when the time is over.
        let _ = read::<T>(&config, &id).await;
    });
    Ok(known)
}

/// What this isolate has seen last, however old.
pub fn known<T: Kept>(id: &str) -> Option<Rc<T>> {
    T::MEMORY.with_borrow(|memory| memory.any(id)).and_then(|(value, _)| value)
}

/// The deny list, as far as it can be had in time: one that cannot be read stops no tap.
pub async fn denied(config: &Rc<Config>, context: &Context) -> Rc<Denied> {
    if Denied::MEMORY.with_borrow(|memory| memory.any(DENIED).is_none()) {
        put::<Denied>(config, DENIED, Some(Denied::default()), 0);
        Denied::MEMORY.with_borrow_mut(|memory| memory.extend(DENIED, 0));
    }
    get_at_once::<Denied>(config, context, DENIED).await.ok().flatten().unwrap_or_default()
}

async fn read<T: Kept>(config: &Config, id: &str) -> Result<Option<Rc<T>>, Problem> {
    let mut copy = Box::pin(config.kv.get(&T::KIND.copy_key(id)).text());
    let first = within(&mut copy, COPY_READ_MS).await;
    let slow = first.is_err();
    let of_text = |text: Option<String>| text.and_then(|text| json::read(&text).ok());
    if let Some(record) = of_text(first.ok().and_then(Result::ok).flatten()) {
        return Ok(put(config, id, Some(record), 0));
    }
    let said = renew(config, id).await;
    if said.is_err() && slow {
        // A late copy is better than none.
        let late = within(copy, COPY_LATE_MS).await;
        if let Some(record) = of_text(late.ok().and_then(Result::ok).flatten()) {
            return Ok(put(config, id, Some(record), 0));
        }
    }
    said
}

/// The record `id` as the Registry has it now.
///
/// # Errors
/// 503, if it does not answer.
pub async fn renew<T: Kept>(config: &Config, id: &str) -> Result<Option<Rc<T>>, Problem> {
    let command = Command::Get { kind: T::KIND, id: id.to_owned() };
    match ask(config, &command).await {
        Ok((_, record)) => Ok(keep(config, id, Some(record))),
        Err(problem) if problem.status == 404 => Ok(keep::<T>(config, id, None)),
        Err(problem) => Err(problem),
    }
}

/// The record `id` as the Registry has it now, or had it less than [`ABSENT_MS`] ago.
///
/// # Errors
/// 503, if it does not answer.
pub async fn recent<T: Kept>(config: &Config, id: &str) -> Result<Option<Rc<T>>, Problem> {
    match T::MEMORY.with_borrow(|memory| memory.just_said(id, now_ms())) {
        Some(said) => Ok(said),
        None => renew(config, id).await,
    }
}

/// The record `id` as the Registry has it now, unless it said `known` a moment ago: then a flood of wrong callers does not reach
/// the Registry, and `None` says that there is nothing newer.
///
/// # Errors
/// 503, if the Registry does not answer.
pub async fn renew_older<T: Kept>(config: &Config, id: &str, known: &Rc<T>) -> Result<Option<Rc<T>>, Problem> {
    match T::MEMORY.with_borrow(|memory| memory.just_said(id, now_ms())) {
        Some(said) => Ok(said.filter(|said| !Rc::ptr_eq(said, known))),
        None => renew(config, id).await,
    }
}

/// Keeps what the Registry said, so that this isolate sees at once what it has changed.
pub fn keep<T: Kept>(config: &Config, id: &str, record: Option<T::Record>) -> Option<Rc<T>> {
    put(config, id, record, now_ms())
}

fn put<T: Kept>(config: &Config, id: &str, record: Option<T::Record>, said_ms: Ms) -> Option<Rc<T>> {
    let value = record.and_then(|record| T::of(config, record)).map(Rc::new);
    T::MEMORY.with_borrow_mut(|memory| memory.put(id, value.clone(), now_ms(), said_ms));
    value
}

thread_local! {
    static CHANNELS: RefCell<Memory<OpenChannel>> = RefCell::default();
    static CAMPAIGNS: RefCell<Memory<Campaign>> = RefCell::default();
    static LINKS: RefCell<Memory<OpenLink>> = RefCell::default();
    static ALL_SETTINGS: RefCell<Memory<Settings>> = RefCell::default();
    static ALL_DENIED: RefCell<Memory<Denied>> = RefCell::default();
}

impl Kept for OpenChannel {
    const KIND: Kind = Kind::Channel;
    const MEMORY: &'static LocalKey<RefCell<Memory<Self>>> = &CHANNELS;
    type Record = Channel;

    fn of(config: &Config, channel: Channel) -> Option<Self> {
        Some(Self {
            provider: Provider::from_id(&channel.provider)?,
            mapping: channel.mapping.as_deref().and_then(|text| json::read(text).ok()),
            secrets: channel.open_secrets(&config.channel_secret_key),
            channel,
        })
    }
}

impl Kept for Campaign {
    const KIND: Kind = Kind::Campaign;
    const MEMORY: &'static LocalKey<RefCell<Memory<Self>>> = &CAMPAIGNS;
    type Record = Self;

    fn of(_: &Config, campaign: Self) -> Option<Self> {
        Some(campaign)
    }
}

impl Kept for OpenLink {
    const KIND: Kind = Kind::Link;
    const MEMORY: &'static LocalKey<RefCell<Memory<Self>>> = &LINKS;
    type Record = Link;

    fn of(_: &Config, link: Link) -> Option<Self> {
        Some(Self { target: link.target()?, link })
    }
}

impl Kept for Settings {
    const KIND: Kind = Kind::Settings;
    const MEMORY: &'static LocalKey<RefCell<Memory<Self>>> = &ALL_SETTINGS;
    type Record = Self;

    fn of(_: &Config, settings: Self) -> Option<Self> {
        Some(settings)
    }
}

impl Kept for Denied {
    const KIND: Kind = Kind::Denied;
    const MEMORY: &'static LocalKey<RefCell<Memory<Self>>> = &ALL_DENIED;
    type Record = Self;

    fn of(_: &Config, denied: Self) -> Option<Self> {
        Some(denied)
    }
}
