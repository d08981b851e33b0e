//! What the operator set: the secrets, the number of Ledgers, and the bindings; read once per isolate.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use worker::Env;
use worker::kv::KvStore;

use super::objects::Namespace;
use crate::bounds::LEDGERS;
use crate::keys::{Key, Purpose, derive};
use crate::partition::Partition;
use crate::problem::Problem;
use crate::token::{FIRST_MINTING_ID, TokenKeys};

pub struct Config {
    pub admin_key: String,
    /// Only what is written out is derived from it here.
    pub master: String,
    pub partition: Partition,
    pub channel_secret_key: Key,
    pub cursor_key: Key,
    pub tokens: TokenKeys,
    /// The key that new tokens are minted with; old ones are good under theirs.
    pub token_key_id: u8,
    pub ledger: Namespace,
    pub registry: Namespace,
    pub letters: Namespace,
    pub identity: Namespace,
    pub gate: Namespace,
    pub kv: KvStore,
}

thread_local! {
    /// A deployment's settings do not change under a running isolate.
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

impl Config {
    /// The settings.
    ///
    /// # Errors
    /// 503 that names the setting that is missing or wrong.
    pub fn of(env: &Env) -> Result<Rc<Self>, Problem> {
        if let Some(config) = CONFIG.with_borrow(Clone::clone) {
            return Ok(config);
        }
        let config = Rc::new(Self::read(env)?);
        CONFIG.set(Some(Rc::clone(&config)));
        Ok(config)
    }

    fn read(env: &Env) -> Result<Self, Problem> {
        let master = text(env, "BLUETICK_MASTER_KEY")?;
        let ledgers = text(env, "BLUETICK_LEDGERS")?;
        let ledgers = ledgers.parse().ok().filter(|n| (1..=LEDGERS).contains(n));
        let token_key_id = text(env, "BLUETICK_TOKEN_KEY").unwrap_or_else(|_| "1".to_owned());
        let token_key_id =
            token_key_id.parse().ok().filter(|id| *id < FIRST_MINTING_ID).ok_or_else(|| wrong("BLUETICK_TOKEN_KEY"))?;
        let key = |purpose| derive(master.as_bytes(), purpose);
        Ok(Self {
            admin_key: text(env, "BLUETICK_ADMIN_KEY")?,
            partition: Partition { handle_key: key(Purpose::Handle), ledgers: ledgers.ok_or_else(|| wrong("BLUETICK_LEDGERS"))? },
            tokens: TokenKeys::new(master.as_bytes()),
            token_key_id,
            channel_secret_key: key(Purpose::ChannelSecret),
            cursor_key: key(Purpose::Cursor),
            ledger: binding(env, "LEDGER")?.unchecked_into(),
            registry: binding(env, "REGISTRY")?.unchecked_into(),
            letters: binding(env, "LETTERS")?.unchecked_into(),
            identity: binding(env, "IDENTITY")?.unchecked_into(),
            gate: binding(env, "GATE")?.unchecked_into(),
            kv: env.kv("KV").map_err(|_| wrong("KV"))?,
            master,
        })
    }
}

fn text(env: &Env, name: &str) -> Result<String, Problem> {
    binding(env, name)?.as_string().filter(|text| !text.is_empty()).ok_or_else(|| wrong(name))
}

fn binding(env: &Env, name: &str) -> Result<JsValue, Problem> {
    let value = Reflect::get(env, &name.into()).map_err(|_| wrong(name))?;
    if value.is_undefined() { Err(wrong(name)) } else { Ok(value) }
}

fn wrong(name: &str) -> Problem {
    Problem::unavailable(format!("Not configured: {name}."))
}
