//! Who may ask what: the keys that are given out, their scopes, and which scopes open a route.
//!
//! A key is 256 random bits in text, and nothing of it is stored but a hash, which is also its id and what it is looked up by. A
//! share is a key too: it reads the numbers of one campaign until it expires. Pure: it knows no request, no storage and no clock.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::body::Fields;
use crate::bounds::{SHARE_HOURS, TEXT_BYTES};
use crate::event::Ms;
use crate::json;
use crate::policy::HOUR_MS;
use crate::problem::Problem;
use crate::route::{Overview, Route};
use crate::time::to_rfc3339;

/// What a key may do (`api.md`, "Keys").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything: channels, settings, keys, shares, dead letters.
    Admin,
    /// Campaigns, dispatches, links, the gate.
    Ingest,
    /// Conversions, and nothing else.
    Convert,
    /// Numbers, and people masked.
    Read,
    /// With `read`: people in clear, lookup, erasure.
    Contacts,
}

const SCOPES: [&str; 5] = ["admin", "ingest", "convert", "read", "contacts"];

/// A key or a share, as the Registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub scopes: Vec<Scope>,
    /// The one campaign that a share reads; empty for a key.
    pub campaign: String,
    pub created_at_ms: Ms,
    /// When a share expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<Ms>,
}

/// The text of a new key, `btk_…`, or with a campaign of a share, `bts_….campaign`, made of fresh random bytes. A share says what it is
/// of, so that a page that was given nothing but its token knows what to ask for.
#[must_use]
pub fn secret(campaign: &str, entropy: &[u8; 32]) -> String {
    let random = URL_SAFE_NO_PAD.encode(entropy);
    if campaign.is_empty() { format!("btk_{random}") } else { format!("bts_{random}.{campaign}") }
}

/// The id of a key: 128 bits of its SHA-256, from which nobody finds the key. Any text has one.
#[must_use]
pub fn id(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret).get(..16).unwrap_or_default())
}

impl Key {
    /// Reads what a key is to be.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong.
    pub fn read(id: &str, body: &Value, now_ms: Ms) -> Result<Self, Problem> {
        let mut fields = Fields::of(body, "");
        let name = fields.text("name", TEXT_BYTES);
        let name = fields.required("name", name).unwrap_or_default().to_owned();
        let known = |text: &str| if SCOPES.contains(&text) { Ok(()) } else { Err("is no scope") };
        let named = fields.texts("scopes", SCOPES.len(), known);
        let named = fields.required("scopes", named);
        if named.as_ref().is_some_and(Vec::is_empty) {
            fields.wrong("scopes", "must name a scope");
        }
        let scopes: Vec<Scope> = named.into_iter().flatten().filter_map(|scope| json::of(&Value::String(scope)).ok()).collect();
        if scopes.contains(&Scope::Contacts) && !scopes.contains(&Scope::Read) {
            fields.wrong("scopes", "must have read beside contacts");
        }
        fields.done()?;
        Ok(Self { id: id.to_owned(), name, scopes, campaign: String::new(), created_at_ms: now_ms, expires_at_ms: None })
    }

    /// Reads what a share of `campaign` is to be.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong.
    pub fn read_share(id: &str, campaign: &str, body: &Value, now_ms: Ms) -> Result<Self, Problem> {
        let mut fields = Fields::of(body, "");
        let hours = fields.whole("expires_in_hours", 1..=u64::from(SHARE_HOURS));
        let hours = fields.required("expires_in_hours", hours).and_then(|hours| Ms::try_from(hours).ok());
        fields.done()?;
        Ok(Self {
            id: id.to_owned(),
            name: String::new(),
            scopes: vec![Scope::Read],
            campaign: campaign.to_owned(),
            created_at_ms: now_ms,
            expires_at_ms: Some(now_ms + hours.unwrap_or_default() * HOUR_MS),
        })
    }

    /// As it is shown: without its text, which nobody has any more.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self.expires_at_ms {
            None => json!({
                "id": self.id,
                "name": self.name,
                "scopes": self.scopes,
                "created_at": to_rfc3339(self.created_at_ms),
            }),
            Some(expires_at_ms) => json!({
                "id": self.id,
                "campaign": self.campaign,
                "created_at": to_rfc3339(self.created_at_ms),
                "expires_at": to_rfc3339(expires_at_ms),
            }),
        }
    }

    /// Whether it is good then.
    #[must_use]
    pub fn is_good(&self, now_ms: Ms) -> bool {
        self.expires_at_ms.is_none_or(|expires_at_ms| now_ms < expires_at_ms)
    }
}

/// Who asks; by default nobody, who may do nothing.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The id of the key; empty for the deployment's own, and for nobody.
    pub key: String,
    scopes: Vec<Scope>,
    /// The one campaign that it may read, if it is a share.
    campaign: Option<String>,
}

impl Principal {
    /// Who has the deployment's own key.
    #[must_use]
    pub fn operator() -> Self {
        Self { key: String::new(), scopes: vec![Scope::Admin], campaign: None }
    }

    /// Who has this key.
    #[must_use]
    pub fn of(key: &Key) -> Self {
        let campaign = (!key.campaign.is_empty()).then(|| key.campaign.clone());
        Self { key: key.id.clone(), scopes: key.scopes.clone(), campaign }
    }

    /// Whether the route is open to it.
    ///
    /// # Errors
    /// 403, the same for what is there and what is not.
    pub fn may(&self, route: &Route<'_>, method: &str) -> Result<(), Problem> {
        let opened = match opened_by(route, method) {
            Opened::ByNone => true,
            Opened::By(scopes) => self.has(Scope::Admin) || scopes.iter().any(|scope| self.has(*scope)),
        };
        let its_own = self.campaign.as_ref().is_none_or(|own| route.campaign().is_some_and(|campaign| campaign == own));
        if opened && its_own { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// Whether it sees people in clear.
    #[must_use]
    pub fn sees_people(&self) -> bool {
        self.has(Scope::Admin) || self.has(Scope::Contacts)
    }

    fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// What opens a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// No key: it is for everybody, or looks after itself.
    ByNone,
    /// A key with one of these scopes, or with [`Scope::Admin`].
    By(&'static [Scope]),
}

/// What opens a route for a method that it has. Without a catch-all: a new route does not compile until its scope is chosen.
#[must_use]
pub fn opened_by(route: &Route<'_>, method: &str) -> Opened {
    use Scope::{Contacts, Convert, Ingest, Read};
    let reads = method == "GET";
    match route {
        Route::Health | Route::Callback { .. } | Route::Tap { .. } => Opened::ByNone,
        Route::Metrics | Route::Report { .. } | Route::Live { .. } | Route::LiveTicket { .. } => Opened::By(&[Read]),
        Route::Channels | Route::Channel { .. } | Route::Rotate { .. } => Opened::By(&[]),
        Route::ChannelHealth { .. } | Route::ChannelTest { .. } => Opened::By(&[]),
        Route::Letters { .. } | Route::Letter { .. } | Route::ReplayLetter { .. } => Opened::By(&[]),
        Route::Erase => Opened::By(&[Contacts]),
        Route::Export | Route::Import => Opened::By(&[]),
        Route::Settings | Route::MintingKeys | Route::MintingKey { .. } => Opened::By(&[]),
        Route::Keys | Route::Key { .. } | Route::Shares { .. } | Route::Share { .. } => Opened::By(&[]),
        Route::Overview(Overview::Campaigns) => Opened::By(&[Ingest, Read]),
        Route::Overview(_) => Opened::By(&[Read]),
        Route::Campaign { .. } | Route::Links | Route::Link { .. } if reads => Opened::By(&[Ingest, Read]),
        Route::Campaign { .. } | Route::Links | Route::Link { .. } => Opened::By(&[Ingest]),
        Route::Gate { .. } | Route::Dispatches { .. } | Route::WrapLink { .. } | Route::WrapText => Opened::By(&[Ingest]),
        Route::Conversions if reads => Opened::By(&[Read]),
        Route::Conversions => Opened::By(&[Convert]),
        Route::People { .. } => Opened::By(&[Read]),
        Route::Lookup => Opened::By(&[Scope::Contacts]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scopes: &[Scope], campaign: &str) -> Key {
        Key {
            id: String::new(),
            name: String::new(),
            scopes: scopes.to_vec(),
            campaign: campaign.to_owned(),
            created_at_ms: 0,
            expires_at_ms: None,
        }
    }

    /// Every route and method: the first letters of the scopes that open it beside `admin`; a `-` opens it without a key.
    const TABLE: &[(&str, &str, &str)] = &[
        ("GET", "/healthz", "-"),
        ("HEAD", "/healthz", "-"),
        ("GET", "/cb/{channel}/{token}", "-"),
        ("POST", "/cb/{channel}/{token}", "-"),
        ("GET", "/c/{token}", "-"),
        ("HEAD", "/c/{token}", "-"),
        ("GET", "/metrics", "r"),
        ("GET", "/v1/channels", ""),
        ("PUT", "/v1/channels/{channel}", ""),
        ("GET", "/v1/channels/{channel}", ""),
        ("DELETE", "/v1/channels/{channel}", ""),
        ("POST", "/v1/channels/{channel}/rotate", ""),
        ("GET", "/v1/channels/{channel}/health", ""),
        ("POST", "/v1/channels/{channel}/test", ""),
        ("GET", "/v1/dead_letters", ""),
        ("GET", "/v1/dead_letters/{letter}", ""),
        ("POST", "/v1/dead_letters/{letter}/replay", ""),
        ("GET", "/v1/quarantine", ""),
        ("GET", "/v1/quarantine/{letter}", ""),
        ("POST", "/v1/quarantine/{letter}/replay", ""),
        ("GET", "/v1/campaigns", "ir"),
        ("GET", "/v1/performance", "r"),
        ("GET", "/v1/usage", "r"),
        ("GET", "/v1/overall", "r"),
        ("PUT", "/v1/campaigns/{campaign}", "i"),
        ("GET", "/v1/campaigns/{campaign}", "ir"),
        ("PATCH", "/v1/campaigns/{campaign}", "i"),
        ("POST", "/v1/campaigns/{campaign}/dispatches", "i"),
        ("GET", "/v1/campaigns/{campaign}/stats", "r"),
        ("GET", "/v1/campaigns/{campaign}/gate", "i"),
        ("POST", "/v1/campaigns/{campaign}/gate", "i"),
        ("GET", "/v1/campaigns/{campaign}/live", "r"),
        ("POST", "/v1/campaigns/{campaign}/live_ticket", "r"),
        ("GET", "/v1/campaigns/{campaign}/trend", "r"),
        ("GET", "/v1/campaigns/{campaign}/funnel", "r"),
        ("GET", "/v1/campaigns/{campaign}/links", "r"),
        ("GET", "/v1/campaigns/{campaign}/steps", "r"),
        ("GET", "/v1/campaigns/{campaign}/errors", "r"),
        ("GET", "/v1/campaigns/{campaign}/experiment", "r"),
        ("GET", "/v1/campaigns/{campaign}/shares", ""),
        ("POST", "/v1/campaigns/{campaign}/shares", ""),
        ("DELETE", "/v1/campaigns/{campaign}/shares/{share}", ""),
        ("POST", "/v1/contacts/erase", "c"),
        ("GET", "/v1/export", ""),
        ("POST", "/v1/import", ""),
        ("GET", "/v1/links", "ir"),
        ("POST", "/v1/links", "i"),
        ("GET", "/v1/links/{link}", "ir"),
        ("PATCH", "/v1/links/{link}", "i"),
        ("DELETE", "/v1/links/{link}", "i"),
        ("POST", "/v1/links/{link}/wrap", "i"),
        ("POST", "/v1/wrap", "i"),
        ("POST", "/v1/conversions", "v"),
        ("GET", "/v1/conversions", "r"),
        ("GET", "/v1/campaigns/{campaign}/contacts", "r"),
        ("GET", "/v1/campaigns/{campaign}/messages", "r"),
        ("GET", "/v1/campaigns/{campaign}/conversions", "r"),
        ("POST", "/v1/contacts/lookup", "c"),
        ("GET", "/v1/settings", ""),
        ("PUT", "/v1/settings", ""),
        ("GET", "/v1/keys", ""),
        ("POST", "/v1/keys", ""),
        ("DELETE", "/v1/keys/{key}", ""),
        ("GET", "/v1/minting_keys", ""),
        ("POST", "/v1/minting_keys", ""),
        ("DELETE", "/v1/minting_keys/{key}", ""),
    ];

    fn route(path: &str) -> String {
        path.replace(['{', '}'], "")
    }

    #[test]
    fn every_route_and_scope() {
        let letters = [(Scope::Ingest, 'i'), (Scope::Convert, 'v'), (Scope::Read, 'r'), (Scope::Contacts, 'c')];
        for (method, path, opened) in TABLE {
            let path = route(path);
            let asked = Route::of(&path).unwrap_or_else(|| panic!("no route for {path}"));
            assert!(asked.has(method), "{method} {path}");
            for (scope, letter) in letters {
                let may = Principal::of(&key(&[scope], "")).may(&asked, method);
                assert_eq!(may.is_ok(), *opened == "-" || opened.contains(letter), "{scope:?}: {method} {path}");
            }
            assert!(Principal::of(&key(&[Scope::Admin], "")).may(&asked, method).is_ok(), "{method} {path}");
            assert!(Principal::operator().may(&asked, method).is_ok(), "{method} {path}");
            // A share opens what reads, of its campaign alone. (What is open to everybody does not ask who comes.)
            let reads = opened.contains('r') && path.starts_with("/v1/campaigns/campaign");
            for (campaign, opens) in [("campaign", reads || *opened == "-"), ("another", *opened == "-")] {
                let may = *opened == "-" || Principal::of(&key(&[Scope::Read], campaign)).may(&asked, method).is_ok();
                assert_eq!(may, opens, "share of {campaign}: {method} {path}");
            }
        }
    }

    #[test]
    fn a_key_says_what_it_is_for() {
        let check = |body: Value, wrong: &[&str]| {
            let pointers: Vec<String> = match Key::read("id", &body, 7) {
                Ok(_) => Vec::new(),
                Err(problem) => problem.errors.into_iter().map(|error| error.pointer).collect(),
            };
            assert_eq!(pointers, wrong, "{body}");
        };
        check(json!({"name": "a", "scopes": ["read", "contacts"]}), &[]);
        check(json!({"name": "a", "scopes": SCOPES}), &[]);
        check(json!({}), &["/name", "/scopes"]);
        check(json!({"name": "a", "scopes": []}), &["/scopes"]);
        check(json!({"name": "a", "scopes": ["contacts"]}), &["/scopes"]);
        check(json!({"name": "", "scopes": ["read", "root", "read"], "key": "x"}), &["/name", "/scopes/1", "/scopes/2", "/key"]);
    }

    #[test]
    fn a_share_expires() {
        let share = Key::read_share("id", "spring", &json!({"expires_in_hours": 1}), 5).unwrap();
        assert!(share.is_good(5 + HOUR_MS - 1) && !share.is_good(5 + HOUR_MS));
        for wrong in [json!({}), json!({"expires_in_hours": 0}), json!({"expires_in_hours": 8785})] {
            assert_eq!(Key::read_share("id", "spring", &wrong, 5).unwrap_err().errors[0].pointer, "/expires_in_hours");
        }
    }

    #[test]
    fn people_are_seen_by_few() {
        let sees = |scopes: &[Scope]| Principal::of(&key(scopes, "")).sees_people();
        assert!(sees(&[Scope::Admin]) && sees(&[Scope::Read, Scope::Contacts]) && Principal::operator().sees_people());
        assert!(!sees(&[Scope::Read]) && !sees(&[Scope::Ingest, Scope::Convert]));
    }

    /// Ids are stored: never change how one is made.
    #[test]
    fn the_id_is_of_the_whole_text() {
        assert_eq!(super::secret("spring", &[7; 32]), "bts_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc.spring");
        let secret = secret("", &[7; 32]);
        assert_eq!(secret, "btk_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
        assert_eq!(id(&secret), "hEcoLDoS8a_8vzoewJo5Tw");
        assert_ne!(id(&secret), id(&secret.replace("btk_", "bts_")));
    }

    /// What is described is in the table, and the other way round.
    #[test]
    fn the_table_has_every_route() {
        let api = bluetick_dev::openapi::read().unwrap();
        let mut described = Vec::new();
        for (path, item) in api["paths"].as_object().unwrap().iter().filter(|(path, _)| *path != "/openapi.json") {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                described.push((method.to_uppercase(), route(path)));
            }
        }
        let mut table: Vec<_> = TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), route(path))).collect();
        described.sort();
        table.sort();
        assert_eq!(table, described);
    }
}
