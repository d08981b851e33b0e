//! The Registry: channels, campaigns, links, minting keys and settings; the truth that every copy at the edge is made from.
//!
//! All of it lies in one table of records. Each change gets the next revision, and each target (a Ledger, the read copies in KV)
//! has the last revision that it acknowledged: what lies between is what it still has to be told. So a delivery may be lost,
//! repeated or cut short by a crash, and nothing is forgotten. Pure: storage is the port; time, keys and entropy are arguments.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access;
use crate::bounds::{DENIED_LINKS, KEYS, OVERLAP_HOURS, RECORDS_PER_DELIVERY};
use crate::campaign::{self, Campaign};
use crate::channel::{self, Channel, Token};
use crate::denied::Denied;
use crate::event::Ms;
use crate::ids::operator_id;
use crate::json;
use crate::keys::Key;
use crate::link::{self, Link};
use crate::minting::MintingKey;
use crate::policy::{HOUR_MS, Policy};
use crate::problem::Problem;
use crate::provider::{Mapping, Provider, Signing};
use crate::settings::Settings;
use crate::sql::{Arg, Sql, SqlError};
use crate::token::FIRST_MINTING_ID;
use crate::transfer;

/// What the Registry is asked. The bodies are those of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    PutChannel {
        id: String,
        body: Value,
    },
    RotateChannel {
        id: String,
        body: Value,
    },
    PutCampaign {
        id: String,
        body: Value,
    },
    PatchCampaign {
        id: String,
        body: Value,
    },
    /// A link that says the same as one that exists is that one.
    PostLink {
        body: Value,
    },
    PatchLink {
        id: String,
        body: Value,
    },
    PutSettings {
        body: Value,
    },
    /// Gives out the next key id; the key itself is the edge's to derive.
    PostMintingKey {
        body: Value,
    },
    RevokeMintingKey {
        id: String,
    },
    /// Makes a key, or a share of a campaign. The id is the hash of its text, which the Registry never sees.
    PostKey {
        id: String,
        campaign: String,
        body: Value,
    },
    /// Takes a key away, or a share of that campaign.
    DeleteKey {
        id: String,
        campaign: String,
    },
    /// Takes a ticket, which nobody can do twice.
    UseTicket {
        id: String,
        until_ms: Ms,
    },
    /// Every key and share, as a list of [`access::Key`].
    Keys,
    Delete {
        kind: Kind,
        id: String,
    },
    /// The ids of all channels that there are and were.
    ChannelIds,
    Get {
        kind: Kind,
        id: String,
    },
    List {
        kind: Kind,
        filters: Vec<(Filter, String)>,
        after: String,
        limit: u32,
    },
    /// A page of all records, deleted ones too.
    Export {
        place: transfer::Place,
    },
    /// Take the records of an export in; the answer is the places of those that say something else than is here.
    Import {
        rows: transfer::Rows,
    },
}

impl Command {
    /// Whether it may change something that others must be told of.
    #[must_use]
    pub fn changes(&self) -> bool {
        !matches!(
            self,
            Self::Get { .. } | Self::ChannelIds | Self::List { .. } | Self::Keys | Self::UseTicket { .. } | Self::Export { .. }
        )
    }
}

/// The kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Channel,
    Campaign,
    Link,
    /// One record, [`SETTINGS`].
    Settings,
    MintingKey,
    /// One record, [`DENIED`], made of the links and minting keys.
    Denied,
    /// Keys and shares. KV has no copies of them: one that is two minutes old would open what was closed.
    Key,
}

/// The id of the only record of [`Kind::Settings`].
pub const SETTINGS: &str = "settings";

/// The id of the only record of [`Kind::Denied`].
pub const DENIED: &str = "all";

/// What the id by which a record is found by its number begins with.
pub const NUMBERED: char = '#';

/// The id by which a campaign is found by its number, as tokens carry it: no id that an operator chooses has this form.
#[must_use]
pub fn numbered(no: u32) -> String {
    format!("{NUMBERED}{no}")
}

impl Kind {
    const ALL: [Self; 7] = [Self::Channel, Self::Campaign, Self::Link, Self::Settings, Self::MintingKey, Self::Denied, Self::Key];

    /// Its name in the table and in the keys of the read copies: never change one.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Campaign => "campaign",
            Self::Link => "link",
            Self::Settings => "settings",
            Self::MintingKey => "minting_key",
            Self::Denied => "denied",
            Self::Key => "key",
        }
    }

    /// The key of a record's read copy in KV.
    #[must_use]
    pub fn copy_key(self, id: &str) -> String {
        format!("{}:{id}", self.text())
    }
}

/// What a list can be narrowed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    Status,
    Type,
    MessageType,
    Tag,
    Campaign,
}

/// A success: 201 if something came to be, and the record's JSON (or a list's).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub created: bool,
    pub json: String,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub total: u64,
    /// Where the next page begins; absent at the end.
    pub next: Option<String>,
}

/// Who must be told of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A Ledger learns the campaigns.
    Ledger(u32),
    /// KV holds copies of the records that the edge reads.
    Copies,
}

impl Target {
    fn text(self) -> String {
        match self {
            Self::Ledger(no) => format!("ledger:{no}"),
            Self::Copies => "copies".to_owned(),
        }
    }
}

/// What a target has to be told next: all changes up to `revision`, of which these concern it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub target: Target,
    pub revision: i64,
    /// For a Ledger.
    pub campaigns: Vec<Policy>,
    /// For a Ledger: for how long things are kept, if that changed.
    pub retention_days: Option<u32>,
    /// For KV, in the order of their revisions: the change's revision, the key, and the value or (where the record is gone) nothing.
    pub copies: Vec<(i64, String, Option<String>)>,
}

/// The core of the Registry object.
pub struct Registry<S: Sql> {
    sql: S,
    secret_key: Key,
    ledgers: u32,
}

const SCHEMA: [&str; 7] = [
    // `doc` is null where the record was deleted: the row stays, so that copies learn of it and numbers are never given twice.
    "CREATE TABLE IF NOT EXISTS records (kind TEXT NOT NULL, id TEXT NOT NULL, no INTEGER, revision INTEGER NOT NULL, doc TEXT,
        PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID",
    "CREATE UNIQUE INDEX IF NOT EXISTS records_by_revision ON records (revision)",
    "CREATE UNIQUE INDEX IF NOT EXISTS records_by_no ON records (kind, no) WHERE no IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS links_by_target ON records (doc ->> 'url', doc ->> 'campaign') WHERE kind = 'link'",
    "CREATE INDEX IF NOT EXISTS links_denied ON records (no) WHERE kind = 'link' AND (doc IS NULL OR doc ->> 'disabled')",
    // The tickets that were used and could be used again: those of the last minute.
    "CREATE TABLE IF NOT EXISTS tickets (id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS targets (target TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];

/// What is told in an export.
const SECTIONS: &[transfer::Section] = &[(
    "record",
    "SELECT json_group_array(json_array(json_array(revision), json_array(kind, id, no, json(doc)))) FROM (SELECT * FROM records
     WHERE revision > ?1 ->> 0 ORDER BY revision LIMIT 100)",
)];

const ALL_KEYS: &str = "SELECT json_group_array(json(doc)) FROM records WHERE kind = 'key' AND doc IS NOT NULL";

impl<S: Sql> Registry<S> {
    /// Opens the database; `secret_key` seals channel secrets, `ledgers` is how many Ledgers learn the campaigns.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn open(sql: S, secret_key: Key, ledgers: u32) -> Result<Self, SqlError> {
        for statement in SCHEMA {
            sql.exec(statement, &[])?;
        }
        Ok(Self { sql, secret_key, ledgers })
    }

    /// Does what is asked, durably. `entropy` is 32 fresh random bytes.
    ///
    /// # Errors
    /// As the API says: 400, 404, 409; 503 if the storage refuses.
    pub fn apply(&mut self, command: &Command, entropy: [u8; 32], now_ms: Ms) -> Result<Answer, Problem> {
        match command {
            Command::PutChannel { id, body } => self.put_channel(id, body, entropy, now_ms),
            Command::RotateChannel { id, body } => self.rotate_channel(id, body, entropy, now_ms),
            Command::PutCampaign { id, body } => self.put_campaign(id, body, now_ms),
            Command::PatchCampaign { id, body } => self.patch_campaign(id, body, now_ms),
            Command::PostLink { body } => self.post_link(body, now_ms),
            Command::PatchLink { id, body } => self.patch_link(id, body),
            Command::PutSettings { body } => {
                let settings = Settings::read(body)?;
                self.put(Kind::Settings, SETTINGS, None, &settings)?;
                Ok(answer(false, text(&settings)))
            }
            Command::PostMintingKey { body } => self.post_minting_key(body, now_ms),
            Command::RevokeMintingKey { id } => self.revoke_minting_key(id, now_ms),
            Command::PostKey { id, campaign, body } => self.post_key(id, campaign, body, now_ms),
            Command::DeleteKey { id, campaign } => {
                let known: Option<access::Key> = self.record(Kind::Key, id)?;
                known.filter(|key| key.campaign == *campaign).ok_or_else(|| nothing(Kind::Key))?;
                self.delete(Kind::Key, id)
            }
            Command::UseTicket { id, until_ms } => self.use_ticket(id, *until_ms, now_ms),
            Command::Keys => {
                let keys = self.sql.text(ALL_KEYS, &[])?;
                Ok(answer(false, keys.unwrap_or_else(|| "[]".to_owned())))
            }
            Command::Delete { kind, id } => self.delete(*kind, id),
            Command::ChannelIds => {
                let ids: Vec<String> =
                    self.rows("SELECT json_group_array(id) FROM records WHERE kind = 'channel'", &[]).map_err(storage)?;
                Ok(answer(false, text(&ids)))
            }
            Command::Get { kind, id } => {
                let doc = self.doc(*kind, id)?.or_else(|| match kind {
                    Kind::Settings => Some(text(&Settings::default())),
                    Kind::Denied => Some(text(&Denied::default())),
                    _ => None,
                });
                Ok(answer(false, doc.ok_or_else(|| nothing(*kind))?))
            }
            Command::List { kind, filters, after, limit } => self.list(*kind, filters, after, *limit),
            Command::Export { place } => Ok(answer(false, text(&transfer::page(&self.sql, SECTIONS, place, "")?))),
            Command::Import { rows } => {
                let mut refused = Vec::new();
                self.with_denied(|| self.import(rows, &mut refused))?;
                Ok(answer(false, text(&refused)))
            }
        }
    }

    /// What the targets have to be told, one delivery each; none if all know everything.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn deliveries(&self) -> Result<Vec<Delivery>, SqlError> {
        let acknowledged: Vec<(String, i64)> =
            self.rows("SELECT json_group_array(json_array(target, acknowledged)) FROM targets", &[])?;
        let mut deliveries = Vec::new();
        let mut last = None;
        let targets = (0..self.ledgers).map(Target::Ledger).chain([Target::Copies]);
        for target in targets {
            let name = target.text();
            let from = acknowledged.iter().find(|(known, _)| *known == name).map_or(0, |(_, revision)| *revision);
            // Most targets stand at the same revision: one query serves them all.
            let changes = match last.take() {
                Some((same, changes)) if same == from => changes,
                _ => self.changes(from)?,
            };
            if let Some(revision) = changes.iter().map(|change: &Change| change.revision).max() {
                deliveries.push(delivery(target, revision, &changes));
            }
            last = Some((from, changes));
        }
        Ok(deliveries)
    }

    /// The target knows everything up to this revision.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn acknowledge(&self, target: Target, revision: i64) -> Result<(), SqlError> {
        self.sql
            .exec(
                "INSERT INTO targets (target, acknowledged) VALUES (?, CAST(? AS INTEGER))
                 ON CONFLICT (target) DO UPDATE SET acknowledged = max(acknowledged, excluded.acknowledged)",
                &[Arg::Text(&target.text()), Arg::Int(revision)],
            )
            .map(|_| ())
    }

    /// Takes records in as they are, number included. `refused` are the places of those that are others here: what is here stays.
    fn import(&self, rows: &transfer::Rows, refused: &mut Vec<usize>) -> Result<(), Problem> {
        for (place, row) in rows.values().flatten() {
            // It follows from the others.
            if row.get(0).and_then(Value::as_str) == Some(Kind::Denied.text()) {
                continue;
            }
            let args = [Arg::Text(&row.to_string())];
            let known: Vec<Value> = self.rows(
                "SELECT json_group_array(json_array(kind, id, no, json(doc))) FROM (
                 SELECT * FROM records WHERE kind = ?1 ->> 0 AND id = ?1 ->> 1 UNION
                 SELECT * FROM records WHERE kind = ?1 ->> 0 AND no = ?1 ->> 2)",
                &args,
            )?;
            match known.as_slice() {
                [] => {
                    self.sql.exec(
                        "INSERT INTO records (kind, id, no, revision, doc) SELECT ?1 ->> 0, ?1 ->> 1, ?1 ->> 2,
                         (SELECT coalesce(max(revision), 0) + 1 FROM records), ?1 ->> 3",
                        &args,
                    )?;
                }
                [known] if known == row => {}
                _ => refused.push(*place),
            }
        }
        Ok(())
    }

    fn put_channel(&mut self, id: &str, body: &Value, entropy: [u8; 32], now_ms: Ms) -> Result<Answer, Problem> {
        chosen(id)?;
        let providers: Vec<&str> = Provider::all().map(Provider::id).collect();
        let declared = channel::Declared::read(body, &providers)?;
        let old: Option<Channel> = self.record(Kind::Channel, id)?;
        let ([token, nonces], created) = (halves(entropy), old.is_none());
        let secrets = match (&declared.secrets, &old) {
            (None, Some(old)) if old.provider == declared.provider => old.secrets.clone(),
            (secrets, _) => {
                let sealed = secrets
                    .iter()
                    .flatten()
                    .zip(0u8..)
                    .map(|(secret, at)| channel::seal(&self.secret_key, id, secret, nonce(nonces, at)));
                sealed.collect::<Option<Vec<String>>>().unwrap_or_default()
            }
        };
        let mapping = declared.mapping.as_deref().and_then(|text| json::read::<Mapping>(text).ok());
        let signing = Provider::from_id(&declared.provider).map(|provider| provider.signing(mapping.as_ref()));
        let signs = signing == Some(Signing::Always);
        if signs && secrets.is_empty() && !declared.allow_unsigned {
            return Err(Problem::fields(vec![crate::problem::FieldError {
                pointer: "/secrets".to_owned(),
                detail: "is needed: this provider signs its callbacks (or set allow_unsigned)".to_owned(),
            }]));
        }
        let first = || vec![Token { token: channel::token(token), until_ms: None }];
        let channel = Channel {
            id: id.to_owned(),
            provider: declared.provider,
            name: declared.name,
            secrets,
            verify_token: declared.verify_token,
            allow_unsigned: declared.allow_unsigned,
            require_dispatch: declared.require_dispatch,
            mapping: declared.mapping,
            created_at_ms: old.as_ref().map_or(now_ms, |old| old.created_at_ms),
            tokens: old.map_or_else(first, |old| old.tokens),
        };
        self.put(Kind::Channel, id, None, &channel)?;
        Ok(answer(created, text(&channel)))
    }

    fn rotate_channel(&mut self, id: &str, body: &Value, entropy: [u8; 32], now_ms: Ms) -> Result<Answer, Problem> {
        let mut fields = crate::body::Fields::of(body, "");
        let overlap = fields.whole("overlap_hours", 0..=u64::from(OVERLAP_HOURS));
        let overlap = fields.required("overlap_hours", overlap).and_then(|hours| Ms::try_from(hours).ok());
        fields.done()?;
        let mut channel: Channel = self.record(Kind::Channel, id)?.ok_or_else(|| nothing(Kind::Channel))?;
        let until_ms = now_ms + overlap.unwrap_or_default() * HOUR_MS;
        for token in &mut channel.tokens {
            token.until_ms = Some(token.until_ms.map_or(until_ms, |until| until.min(until_ms)));
        }
        channel.tokens.retain(|token| token.until_ms.is_some_and(|until| now_ms < until));
        let [token, _] = halves(entropy);
        channel.tokens.insert(0, Token { token: channel::token(token), until_ms: None });
        // The newest and one old: a third would be good for longer than anybody remembers.
        channel.tokens.truncate(2);
        self.put(Kind::Channel, id, None, &channel)?;
        Ok(answer(false, text(&channel)))
    }

    fn put_campaign(&mut self, id: &str, body: &Value, now_ms: Ms) -> Result<Answer, Problem> {
        chosen(id)?;
        if let Some(old) = self.record::<Campaign>(Kind::Campaign, id)? {
            old.same_as(&campaign::Declared::read(body, old.attribution())?)?;
            return Ok(answer(false, text(&old)));
        }
        let settings: Settings = self.record(Kind::Settings, SETTINGS)?.unwrap_or_default();
        let mut declared = campaign::Declared::read(body, settings.attribution_default.unwrap_or_default())?;
        declared.created_at_ms.get_or_insert(now_ms);
        let no = self.next_no(Kind::Campaign)?;
        let campaign = Campaign { no, id: id.to_owned(), declared, status: campaign::State::default(), stopped_at_ms: None };
        self.put(Kind::Campaign, id, Some(no), &campaign)?;
        Ok(answer(true, text(&campaign)))
    }

    fn patch_campaign(&mut self, id: &str, body: &Value, now_ms: Ms) -> Result<Answer, Problem> {
        let old: Campaign = self.record(Kind::Campaign, id)?.ok_or_else(|| nothing(Kind::Campaign))?;
        let next = old.patched(body, now_ms)?;
        if next != old {
            self.put(Kind::Campaign, id, Some(next.no), &next)?;
        }
        Ok(answer(false, text(&next)))
    }

    fn post_link(&mut self, body: &Value, now_ms: Ms) -> Result<Answer, Problem> {
        let declared = link::Declared::read(body)?;
        let same: Vec<Link> = self
            .rows(
                "SELECT json_group_array(json(doc)) FROM records
                 WHERE kind = 'link' AND doc ->> 'url' = ? AND doc ->> 'campaign' = ?",
                &[Arg::Text(&declared.url), Arg::Text(&declared.campaign)],
            )
            .map_err(storage)?;
        if let Some(same) = same.into_iter().find(|link| link.declared == declared && !link.disabled) {
            return Ok(answer(false, text(&same)));
        }
        let no = self.next_no(Kind::Link)?;
        let link = Link { no, declared, disabled: false, created_at_ms: now_ms };
        self.put(Kind::Link, &link::id(no), Some(no), &link)?;
        Ok(answer(true, text(&link)))
    }

    fn patch_link(&mut self, id: &str, body: &Value) -> Result<Answer, Problem> {
        let old: Link = self.record(Kind::Link, id)?.ok_or_else(|| nothing(Kind::Link))?;
        let next = old.patched(body)?;
        if next != old {
            self.with_denied(|| self.put(Kind::Link, id, Some(next.no), &next))?;
        }
        Ok(answer(false, text(&next)))
    }

    fn post_minting_key(&mut self, body: &Value, now_ms: Ms) -> Result<Answer, Problem> {
        let name = MintingKey::read_name(body)?;
        let no = self.next_no(Kind::MintingKey)?.max(u32::from(FIRST_MINTING_ID));
        let no = u8::try_from(no).map_err(|_| Problem::conflict("All 128 ids of minting keys are given out."))?;
        let key = MintingKey { no, name, created_at_ms: now_ms, revoked_at_ms: None };
        self.put(Kind::MintingKey, &no.to_string(), Some(u32::from(no)), &key)?;
        Ok(answer(true, text(&key)))
    }

    fn revoke_minting_key(&mut self, id: &str, now_ms: Ms) -> Result<Answer, Problem> {
        let mut key: MintingKey = self.record(Kind::MintingKey, id)?.ok_or_else(|| nothing(Kind::MintingKey))?;
        if key.revoked_at_ms.is_none() {
            key.revoked_at_ms = Some(now_ms);
            self.with_denied(|| self.put(Kind::MintingKey, id, Some(u32::from(key.no)), &key))?;
        }
        Ok(answer(false, text(&key)))
    }

    fn post_key(&mut self, id: &str, campaign: &str, body: &Value, now_ms: Ms) -> Result<Answer, Problem> {
        let key = if campaign.is_empty() {
            access::Key::read(id, body, now_ms)?
        } else {
            self.doc(Kind::Campaign, campaign)?.ok_or_else(|| nothing(Kind::Campaign))?;
            access::Key::read_share(id, campaign, body, now_ms)?
        };
        let expired: Vec<String> = self.rows(
            "SELECT json_group_array(id) FROM records WHERE kind = 'key' AND doc ->> 'expires_at_ms' <= CAST(? AS INTEGER)",
            &[Arg::Int(now_ms)],
        )?;
        for expired in expired {
            self.delete(Kind::Key, &expired)?;
        }
        let known: Vec<usize> =
            self.rows("SELECT json_array(count(*)) FROM records WHERE kind = 'key' AND doc IS NOT NULL", &[])?;
        if known.first().is_none_or(|known| *known >= KEYS) {
            return Err(Problem::conflict(format!("There are {KEYS} keys and shares: take one away first.")));
        }
        self.put(Kind::Key, id, None, &key)?;
        Ok(answer(true, text(&key)))
    }

    fn use_ticket(&mut self, id: &str, until_ms: Ms, now_ms: Ms) -> Result<Answer, Problem> {
        // Those whose time is over can be used by nobody.
        self.sql.exec("DELETE FROM tickets WHERE until_ms <= CAST(? AS INTEGER)", &[Arg::Int(now_ms)])?;
        let used = self.sql.exec(
            "INSERT INTO tickets (id, until_ms) VALUES (?, CAST(? AS INTEGER)) ON CONFLICT DO NOTHING",
            &[Arg::Text(id), Arg::Int(until_ms)],
        )?;
        if used == 0 { Err(Problem::unauthorized()) } else { Ok(answer(false, "null".to_owned())) }
    }

    fn delete(&mut self, kind: Kind, id: &str) -> Result<Answer, Problem> {
        self.doc(kind, id)?.ok_or_else(|| nothing(kind))?;
        self.with_denied(|| {
            self.sql.exec(
                "UPDATE records SET doc = NULL, revision = (SELECT max(revision) + 1 FROM records) WHERE kind = ? AND id = ?",
                &[Arg::Text(kind.text()), Arg::Text(id)],
            )?;
            Ok(())
        })?;
        Ok(answer(false, "null".to_owned()))
    }

    /// Makes a change and, in the same transaction, the deny list that follows from it.
    fn with_denied(&self, change: impl FnOnce() -> Result<(), Problem>) -> Result<(), Problem> {
        self.sql.transaction(|| {
            change()?;
            let denied = Denied {
                links: self.rows(
                    "SELECT json_group_array(no) FROM (SELECT no FROM records INDEXED BY links_denied
                     WHERE kind = 'link' AND (doc IS NULL OR doc ->> 'disabled') ORDER BY no)",
                    &[],
                )?,
                keys: self.rows(
                    "SELECT json_group_array(no) FROM (SELECT no FROM records
                     WHERE kind = 'minting_key' AND doc ->> 'revoked_at_ms' IS NOT NULL ORDER BY no)",
                    &[],
                )?,
            };
            let known: Denied = self.record(Kind::Denied, DENIED)?.unwrap_or_default();
            if denied == known {
                return Ok(());
            }
            if denied.links.len() > DENIED_LINKS.max(known.links.len()) {
                return Err(Problem::conflict(format!("{DENIED_LINKS} links are disabled or deleted: no more can be.")));
            }
            self.put(Kind::Denied, DENIED, None, &denied)
        })
    }

    fn list(&self, kind: Kind, filters: &[(Filter, String)], after: &str, limit: u32) -> Result<Answer, Problem> {
        let mut matching = "FROM records WHERE kind = ? AND doc IS NOT NULL".to_owned();
        let mut args = vec![Arg::Text(kind.text())];
        for (filter, value) in filters {
            matching.push_str(match filter {
                Filter::Status => " AND doc ->> 'status' = ?",
                Filter::Type => " AND doc ->> 'type' = ?",
                Filter::MessageType => " AND doc ->> 'message_type' = ?",
                Filter::Campaign => " AND doc ->> 'campaign' = ?",
                Filter::Tag => " AND ? IN (SELECT value FROM json_each(doc, '$.tags'))",
            });
            args.push(Arg::Text(value));
        }
        let total: Vec<u64> = self.rows(&format!("SELECT json_array(count(*)) {matching}"), &args).map_err(storage)?;
        args.extend([Arg::Text(after), Arg::Int(i64::from(limit))]);
        let page = format!(
            "SELECT json_group_array(json_array(id, json(doc)))
             FROM (SELECT id, doc {matching} AND id > ? ORDER BY id LIMIT CAST(? AS INTEGER))"
        );
        let rows: Vec<(String, Value)> = self.rows(&page, &args).map_err(storage)?;
        let full = u32::try_from(rows.len()).is_ok_and(|n| n == limit);
        let next = rows.last().filter(|_| full).map(|(id, _)| id.clone());
        let page = Page {
            data: rows.into_iter().map(|(_, doc)| doc).collect(),
            total: total.first().copied().unwrap_or_default(),
            next,
        };
        Ok(answer(false, text(&page)))
    }

    fn record<T: DeserializeOwned>(&self, kind: Kind, id: &str) -> Result<Option<T>, Problem> {
        let Some(doc) = self.doc(kind, id)? else { return Ok(None) };
        json::read(&doc).map(Some).map_err(|_| Problem::new(500, "A stored definition can't be read."))
    }

    fn doc(&self, kind: Kind, id: &str) -> Result<Option<String>, Problem> {
        let kind = kind.text();
        match id.strip_prefix(NUMBERED).map(str::parse) {
            Some(Ok(no)) => self
                .sql
                .text("SELECT doc FROM records WHERE kind = ? AND no = CAST(? AS INTEGER)", &[Arg::Text(kind), Arg::Int(no)]),
            _ => self.sql.text("SELECT doc FROM records WHERE kind = ? AND id = ?", &[Arg::Text(kind), Arg::Text(id)]),
        }
        .map_err(storage)
    }

    fn put<T: Serialize>(&self, kind: Kind, id: &str, no: Option<u32>, record: &T) -> Result<(), Problem> {
        // One statement is one transaction: the record and its revision are durable together.
        let doc = text(record);
        let no = no.map_or_else(|| "null".to_owned(), |no| no.to_string());
        self.sql
            .exec(
                "INSERT INTO records (kind, id, no, revision, doc)
                 VALUES (?, ?, json_extract(?, '$'), (SELECT coalesce(max(revision), 0) + 1 FROM records), ?)
                 ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, doc = excluded.doc",
                &[Arg::Text(kind.text()), Arg::Text(id), Arg::Text(&no), Arg::Text(&doc)],
            )
            .map(|_| ())
            .map_err(storage)
    }

    fn next_no(&self, kind: Kind) -> Result<u32, Problem> {
        let next: Vec<u32> = self
            .rows(
                "SELECT json_array(coalesce(max(no), 0) + 1) FROM records WHERE kind = ? AND no IS NOT NULL",
                &[Arg::Text(kind.text())],
            )
            .map_err(storage)?;
        next.first().copied().ok_or_else(|| storage(SqlError("no number".to_owned())))
    }

    fn changes(&self, after: i64) -> Result<Vec<Change>, SqlError> {
        self.rows(
            "SELECT json_group_array(json_object('kind', kind, 'id', id, 'revision', revision, 'doc', doc))
             FROM (SELECT * FROM records WHERE revision > CAST(? AS INTEGER) ORDER BY revision LIMIT CAST(? AS INTEGER))",
            &[Arg::Int(after), Arg::Int(i64::from(RECORDS_PER_DELIVERY))],
        )
    }

    fn rows<T: DeserializeOwned>(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<T>, SqlError> {
        let rows = self.sql.text(sql, args)?.unwrap_or_else(|| "[]".to_owned());
        json::read(&rows).map_err(|error| SqlError(error.to_string()))
    }
}

/// Whether a record of an export (kind, id, number, and the document, or null where it was deleted) is one that this release can read.
#[must_use]
pub fn is_record(row: &Value) -> bool {
    let (kind, doc) = (row.get(0).and_then(Value::as_str), row.get(3).map(Value::to_string).unwrap_or_default());
    let Some(kind) = Kind::ALL.into_iter().find(|known| Some(known.text()) == kind) else { return false };
    let no = row.get(2).and_then(Value::as_u64);
    match kind {
        Kind::Campaign | Kind::Link | Kind::MintingKey if no.is_none() => false,
        _ if doc == "null" => true,
        Kind::Channel => json::read::<Channel>(&doc).is_ok(),
        Kind::Campaign => json::read::<Campaign>(&doc).is_ok_and(|campaign| no == Some(campaign.no.into())),
        Kind::Link => json::read::<Link>(&doc).is_ok_and(|link| no == Some(link.no.into())),
        Kind::Settings => json::read::<Settings>(&doc).is_ok(),
        Kind::MintingKey => json::read::<MintingKey>(&doc).is_ok_and(|key| no == Some(key.no.into())),
        // Never taken: it follows from the others.
        Kind::Denied => true,
        Kind::Key => json::read::<access::Key>(&doc).is_ok(),
    }
}

/// One changed record.
#[derive(Deserialize)]
struct Change {
    kind: Kind,
    id: String,
    revision: i64,
    doc: Option<String>,
}

fn delivery(target: Target, revision: i64, changes: &[Change]) -> Delivery {
    let mut delivery = Delivery { target, revision, campaigns: Vec::new(), retention_days: None, copies: Vec::new() };
    for change in changes {
        match target {
            Target::Ledger(_) if change.kind == Kind::Campaign => {
                let campaign = change.doc.as_deref().and_then(|doc| json::read::<Campaign>(doc).ok());
                delivery.campaigns.extend(campaign.map(|campaign| campaign.policy()));
            }
            Target::Ledger(_) if change.kind == Kind::Settings => {
                let settings = change.doc.as_deref().and_then(|doc| json::read::<Settings>(doc).ok());
                delivery.retention_days = settings.map(|settings| settings.retention_days);
            }
            Target::Ledger(_) => {}
            Target::Copies if change.kind == Kind::Key => {}
            Target::Copies => {
                if change.kind == Kind::Campaign {
                    let no = change.doc.as_deref().and_then(|doc| json::read::<Campaign>(doc).ok()).map(|c| c.no);
                    let by_no = no.map(|no| (change.revision, change.kind.copy_key(&numbered(no)), change.doc.clone()));
                    delivery.copies.extend(by_no);
                }
                delivery.copies.push((change.revision, change.kind.copy_key(&change.id), change.doc.clone()));
            }
        }
    }
    delivery
}

fn answer(created: bool, json: String) -> Answer {
    Answer { created, json }
}

fn text<T: Serialize>(record: &T) -> String {
    serde_json::to_string(record).unwrap_or_default()
}

/// An id in the path of a PUT.
fn chosen(id: &str) -> Result<(), Problem> {
    operator_id(id).map_err(|reason| Problem::bad(format!("The id in the path {reason}.")))
}

fn nothing(kind: Kind) -> Problem {
    Problem::not_found(format!("No such {}.", kind.text()))
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        storage(error)
    }
}

fn storage(error: SqlError) -> Problem {
    let _ = error;
    Problem::unavailable("The registry's storage refused.")
}

fn halves(entropy: [u8; 32]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    for (to, from) in halves.as_flattened_mut().iter_mut().zip(entropy) {
        *to = from;
    }
    halves
}

/// The nonce of the secret at place `at`: the same for no two secrets of one request.
fn nonce(entropy: [u8; 16], at: u8) -> [u8; 12] {
    let mut nonce = [0; 12];
    for (to, from) in nonce.iter_mut().zip(entropy) {
        *to = from;
    }
    if let Some(last) = nonce.last_mut() {
        *last = last.wrapping_add(at);
    }
    nonce
}

/// For a caller that sees nothing of the inside: what a page looks like.
#[must_use]
pub fn page_json(data: Vec<Value>, total: u64, next_cursor: Option<String>) -> Value {
    json!({ "data": data, "total": total, "next_cursor": next_cursor })
}
