//! Which answer a request is for: method and path to a [`Route`], the query to its parameters.
//!
//! Pure text work, so that the worker needs no URL parser (which alone would double its size). It does not know who may call
//! what, nor what an answer is.

use std::borrow::Cow;

use form_urlencoded::parse;
use percent_encoding::percent_decode_str;

use crate::ledger::Of;
use crate::letters::Shelf;
use crate::problem::Problem;
use crate::registry::NUMBERED;

/// What stands between the parameters of a query where it is a key.
const BETWEEN: &str = "\u{1f}";

/// What was asked for; the texts are decoded, and not yet checked to be ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `GET /healthz`
    Health,
    /// `GET /metrics`
    Metrics,
    /// `GET|POST /cb/{channel}/{token}`: the provider calls.
    Callback { channel: Cow<'a, str>, token: Cow<'a, str> },
    /// `GET|HEAD /c/{token}`: a person taps.
    Tap { token: &'a str },
    /// `GET /v1/channels`
    Channels,
    /// `PUT|GET|DELETE /v1/channels/{channel}`
    Channel { channel: Cow<'a, str> },
    /// `POST /v1/channels/{channel}/rotate`
    Rotate { channel: Cow<'a, str> },
    /// `GET /v1/channels/{channel}/health`
    ChannelHealth { channel: Cow<'a, str> },
    /// `POST /v1/channels/{channel}/test`
    ChannelTest { channel: Cow<'a, str> },
    /// `GET /v1/dead_letters`, or `GET /v1/quarantine`
    Letters { shelf: Shelf },
    /// `GET /v1/dead_letters/{id}`, likewise of the quarantine
    Letter { shelf: Shelf, id: Cow<'a, str> },
    /// `POST /v1/dead_letters/{id}/replay`, likewise of the quarantine
    ReplayLetter { shelf: Shelf, id: Cow<'a, str> },
    /// `GET /v1/campaigns`, and what else spans campaigns
    Overview(Overview),
    /// `PUT|GET|PATCH /v1/campaigns/{campaign}`
    Campaign { campaign: Cow<'a, str> },
    /// `POST /v1/campaigns/{campaign}/dispatches`
    Dispatches { campaign: Cow<'a, str> },
    /// `GET /v1/campaigns/{campaign}/stats`, and the like
    Report { campaign: Cow<'a, str>, report: Report },
    /// `GET /v1/campaigns/{campaign}/contacts`, `…/messages`, `…/conversions`
    People { campaign: Cow<'a, str>, of: Of },
    /// `POST /v1/contacts/lookup`
    Lookup,
    /// `GET|POST /v1/links`
    Links,
    /// `GET|PATCH|DELETE /v1/links/{link}`
    Link { link: Cow<'a, str> },
    /// `POST /v1/links/{link}/wrap`
    WrapLink { link: Cow<'a, str> },
    /// `POST /v1/wrap`
    WrapText,
    /// `GET|POST /v1/conversions`
    Conversions,
    /// `POST /v1/contacts/erase`
    Erase,
    /// `GET /v1/export`
    Export,
    /// `POST /v1/import`
    Import,
    /// `GET|PUT /v1/settings`
    Settings,
    /// `GET|POST /v1/keys`
    Keys,
    /// `DELETE /v1/keys/{id}`
    Key { id: Cow<'a, str> },
    /// `GET|POST /v1/campaigns/{campaign}/gate`
    Gate { campaign: Cow<'a, str> },
    /// `GET /v1/campaigns/{campaign}/live`
    Live { campaign: Cow<'a, str> },
    /// `POST /v1/campaigns/{campaign}/live_ticket`
    LiveTicket { campaign: Cow<'a, str> },
    /// `GET|POST /v1/campaigns/{campaign}/shares`
    Shares { campaign: Cow<'a, str> },
    /// `DELETE /v1/campaigns/{campaign}/shares/{id}`
    Share { campaign: Cow<'a, str>, id: Cow<'a, str> },
    /// `GET|POST /v1/minting_keys`
    MintingKeys,
    /// `DELETE /v1/minting_keys/{id}`
    MintingKey { id: Cow<'a, str> },
}

impl<'a> Route<'a> {
    /// The route of a path (without query); `None` if there is none.
    #[must_use]
    pub fn of(path: &'a str) -> Option<Self> {
        // An empty segment, such as a trailing slash makes, names something else.
        if path.ends_with('/') || path.contains("//") {
            return None;
        }
        let mut segments = path.strip_prefix('/')?.split('/');
        let mut next = || segments.next();
        let route = match next()? {
            "c" => Self::Tap { token: next()? },
            "cb" => Self::Callback { channel: decoded(next()?)?, token: decoded(next()?)? },
            "healthz" => Self::Health,
            "metrics" => Self::Metrics,
            "v1" => match (next()?, next(), next()) {
                ("channels", None, None) => Self::Channels,
                ("channels", Some(id), None) => Self::Channel { channel: decoded(id)? },
                ("channels", Some(id), Some("rotate")) => Self::Rotate { channel: decoded(id)? },
                ("channels", Some(id), Some("health")) => Self::ChannelHealth { channel: decoded(id)? },
                ("channels", Some(id), Some("test")) => Self::ChannelTest { channel: decoded(id)? },
                ("dead_letters", id, last) => Self::of_letters(Shelf::Dead, id, last)?,
                ("quarantine", id, last) => Self::of_letters(Shelf::Quarantine, id, last)?,
                ("campaigns", None, None) => Self::Overview(Overview::Campaigns),
                ("performance", None, None) => Self::Overview(Overview::Performance),
                ("usage", None, None) => Self::Overview(Overview::Usage),
                ("overall", None, None) => Self::Overview(Overview::Overall),
                ("campaigns", Some(id), None) => Self::Campaign { campaign: decoded(id)? },
                ("campaigns", Some(id), Some("dispatches")) => Self::Dispatches { campaign: decoded(id)? },
                ("campaigns", Some(id), Some("gate")) => Self::Gate { campaign: decoded(id)? },
                ("campaigns", Some(id), Some("live")) => Self::Live { campaign: decoded(id)? },
                ("campaigns", Some(id), Some("live_ticket")) => Self::LiveTicket { campaign: decoded(id)? },
                ("campaigns", Some(id), Some("shares")) => match next() {
                    None => Self::Shares { campaign: decoded(id)? },
                    Some(share) => Self::Share { campaign: decoded(id)?, id: decoded(share)? },
                },
                ("campaigns", Some(id), Some("contacts")) => Self::People { campaign: decoded(id)?, of: Of::Contacts },
                ("campaigns", Some(id), Some("messages")) => Self::People { campaign: decoded(id)?, of: Of::Messages },
                ("campaigns", Some(id), Some("conversions")) => Self::People { campaign: decoded(id)?, of: Of::Conversions },
                ("contacts", Some("lookup"), None) => Self::Lookup,
                ("campaigns", Some(id), Some(name)) => Self::Report { campaign: decoded(id)?, report: Report::of(name)? },
                ("links", None, None) => Self::Links,
                ("links", Some(id), None) => Self::Link { link: decoded(id)? },
                ("links", Some(id), Some("wrap")) => Self::WrapLink { link: decoded(id)? },
                ("wrap", None, None) => Self::WrapText,
                ("conversions", None, None) => Self::Conversions,
                ("contacts", Some("erase"), None) => Self::Erase,
                ("export", None, None) => Self::Export,
                ("import", None, None) => Self::Import,
                ("settings", None, None) => Self::Settings,
                ("keys", None, None) => Self::Keys,
                ("keys", Some(id), None) => Self::Key { id: decoded(id)? },
                ("minting_keys", None, None) => Self::MintingKeys,
                ("minting_keys", Some(id), None) => Self::MintingKey { id: decoded(id)? },
                _ => return None,
            },
            _ => return None,
        };
        segments.next().is_none().then_some(route)
    }

    fn of_letters(shelf: Shelf, id: Option<&'a str>, last: Option<&str>) -> Option<Self> {
        Some(match (id, last) {
            (None, None) => Self::Letters { shelf },
            (Some(id), None) => Self::Letter { shelf, id: decoded(id)? },
            (Some(id), Some("replay")) => Self::ReplayLetter { shelf, id: decoded(id)? },
            _ => return None,
        })
    }

    /// The name by which logs and metrics call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Metrics => "metrics",
            Self::Callback { .. } => "callback",
            Self::Tap { .. } => "tap",
            Self::Channels => "channels",
            Self::Channel { .. } => "channel",
            Self::Rotate { .. } => "rotate",
            Self::ChannelHealth { .. } => "channel_health",
            Self::ChannelTest { .. } => "channel_test",
            Self::Letters { .. } => "letters",
            Self::Letter { .. } => "letter",
            Self::ReplayLetter { .. } => "replay_letter",
            Self::Overview(overview) => overview.name(),
            Self::Campaign { .. } => "campaign",
            Self::Dispatches { .. } => "dispatches",
            Self::Report { report: Report::Links, .. } => "campaign_links",
            Self::Report { report, .. } => report.name(),
            Self::People { of: Of::Contacts, .. } => "campaign_contacts",
            Self::People { of: Of::Messages, .. } => "campaign_messages",
            Self::People { of: Of::Conversions, .. } => "campaign_conversions",
            Self::Lookup => "lookup",
            Self::Links => "links",
            Self::Link { .. } => "link",
            Self::WrapLink { .. } => "wrap_link",
            Self::WrapText => "wrap_text",
            Self::Conversions => "conversions",
            Self::Erase => "erase",
            Self::Export => "export",
            Self::Import => "import",
            Self::Settings => "settings",
            Self::Keys => "keys",
            Self::Key { .. } => "key",
            Self::Gate { .. } => "gate",
            Self::Live { .. } => "live",
            Self::LiveTicket { .. } => "live_ticket",
            Self::Shares { .. } => "shares",
            Self::Share { .. } => "share",
            Self::MintingKeys => "minting_keys",
            Self::MintingKey { .. } => "minting_key",
        }
    }

    /// The campaign that it is about, if its path names one.
    #[must_use]
    pub fn campaign(&self) -> Option<&str> {
        match self {
            Self::Campaign { campaign }
            | Self::Dispatches { campaign }
            | Self::Gate { campaign }
            | Self::People { campaign, .. }
            | Self::Live { campaign }
            | Self::LiveTicket { campaign }
            | Self::Report { campaign, .. }
            | Self::Shares { campaign }
            | Self::Share { campaign, .. } => Some(campaign),
            _ => None,
        }
    }

    /// The methods that it has, as `Allow` wants them.
    #[must_use]
    pub fn methods(&self) -> &'static str {
        match self {
            Self::Health => "GET, HEAD",
            Self::Metrics | Self::Channels | Self::Overview(_) | Self::Report { .. } => "GET",
            Self::ChannelHealth { .. } | Self::Letters { .. } | Self::Letter { .. } => "GET",
            Self::Gate { .. } => "GET, POST",
            Self::Live { .. } | Self::People { .. } => "GET",
            Self::Lookup | Self::ChannelTest { .. } | Self::ReplayLetter { .. } | Self::LiveTicket { .. } => "POST",
            Self::Callback { .. } | Self::Links | Self::MintingKeys | Self::Keys | Self::Shares { .. } => "GET, POST",
            Self::Conversions => "GET, POST",
            Self::MintingKey { .. } | Self::Key { .. } | Self::Share { .. } => "DELETE",
            Self::Tap { .. } => "GET, HEAD",
            Self::Channel { .. } => "PUT, GET, DELETE",
            Self::Campaign { .. } => "PUT, GET, PATCH",
            Self::Link { .. } => "GET, PATCH, DELETE",
            Self::Settings => "GET, PUT",
            Self::Export => "GET",
            Self::Erase | Self::Import => "POST",
            Self::Rotate { .. } | Self::Dispatches { .. } | Self::WrapLink { .. } | Self::WrapText => "POST",
        }
    }

    /// Whether it has this method.
    #[must_use]
    pub fn has(&self, method: &str) -> bool {
        self.methods().split(", ").any(|known| known == method)
    }

    /// The parameters that its GET takes; every other under `/v1/` is an error.
    #[must_use]
    pub fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::Channels | Self::MintingKeys | Self::Keys | Self::Shares { .. } => &["limit", "cursor", "format"],
            Self::Letters { .. } => &["limit", "cursor", "format", "channel"],
            Self::Overview(overview) => overview.parameters(),
            Self::Links => &["limit", "cursor", "format", "campaign"],
            Self::WrapLink { .. } => &["format"],
            Self::Gate { .. } => &["contact"],
            Self::Dispatches { .. } => &["lease"],
            Self::Live { .. } => &["ticket", "last_event_id"],
            Self::Report { report, .. } => report.parameters(),
            Self::People { of: Of::Contacts, .. } => {
                &["max_age", "format", "limit", "cursor", "has", "not", "link", "error", "step"]
            }
            Self::People { of: Of::Messages, .. } => {
                &["max_age", "format", "limit", "cursor", "has", "not", "link", "error", "step", "from", "to", "basis"]
            }
            Self::People { of: Of::Conversions, .. } => &["max_age", "format", "limit", "cursor", "step", "from", "to", "basis"],
            Self::Conversions => &["max_age", "format", "limit", "cursor", "campaign", "from", "to", "basis"],
            _ => &[],
        }
    }
}

/// What can be read of one campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    Stats,
    Trend,
    Funnel,
    Links,
    Steps,
    Errors,
    Experiment,
}

impl Report {
    const ALL: [Self; 7] = [Self::Stats, Self::Trend, Self::Funnel, Self::Links, Self::Steps, Self::Errors, Self::Experiment];

    /// The last segment of its path, and its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stats => "stats",
            Self::Trend => "trend",
            Self::Funnel => "funnel",
            Self::Links => "links",
            Self::Steps => "steps",
            Self::Errors => "errors",
            Self::Experiment => "experiment",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.name() == name)
    }

    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Stats => &["max_age", "from", "to", "basis", "step"],
            Self::Links | Self::Steps | Self::Errors => &["max_age", "from", "to", "basis", "step", "format"],
            Self::Trend => &["max_age", "granularity", "timezone", "from", "to", "step", "format"],
            Self::Funnel => &["max_age", "stages", "step", "format"],
            Self::Experiment => &["max_age"],
        }
    }
}

/// What can be read across campaigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overview {
    Campaigns,
    Performance,
    Usage,
    Overall,
}

impl Overview {
    /// Its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Campaigns => "campaigns",
            Self::Performance => "performance",
            Self::Usage => "usage",
            Self::Overall => "overall",
        }
    }

    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Campaigns => &[
                "max_age",
                "format",
                "limit",
                "cursor",
                "status",
                "type",
                "message_type",
                "tag",
                "q",
                "created_from",
                "created_to",
                "sort",
            ],
            Self::Performance => {
                &["max_age", "format", "from", "to", "period", "timezone", "campaign", "tag", "group_by", "basis"]
            }
            Self::Usage | Self::Overall => &["max_age", "month"],
        }
    }
}

/// An id as it was meant; none has a sign of our own in it.
fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok().filter(|id| !id.starts_with(NUMBERED) && !id.contains(BETWEEN))
}

/// Path and query of an absolute URL as the platform serialises it (the path is never empty, the fragment never sent).
#[must_use]
pub fn split(url: &str) -> (&str, &str) {
    let (_, target) = origin(url);
    let target = target.split_once('#').map_or(target, |(before, _)| before);
    target.split_once('?').unwrap_or((target, ""))
}

/// `https://host:port` of an absolute URL, and what comes after it.
#[must_use]
pub fn origin(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    url.split_at_checked(end).unwrap_or((url, ""))
}

/// The parameters of a query, decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Any query; of a repeated parameter the first counts.
    #[must_use]
    pub fn lenient(query: &str) -> Self {
        Self(parse(query.as_bytes()).into_owned().collect())
    }

    /// A query of our own.
    #[must_use]
    pub fn of(parameters: &[(&str, &str)]) -> Self {
        Self(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// A query of which every parameter is one of `known`, at most once.
    ///
    /// # Errors
    /// 400, which names the known parameters and nothing of what was sent.
    pub fn strict(query: &str, known: &[&str]) -> Result<Self, Problem> {
        let query = Self::lenient(query);
        for (at, (name, value)) in query.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Problem::bad(if known.is_empty() {
                    "This route takes no query parameters.".to_owned()
                } else {
                    format!("Unknown query parameter; this route takes: {}.", known.join(", "))
                }));
            }
            if value.contains(BETWEEN) {
                return Err(Problem::bad(format!("The query parameter {name} holds the control character U+001F.")));
            }
            if query.0.iter().take(at).any(|(earlier, _)| earlier == name) {
                return Err(Problem::bad(format!("The query parameter {name} stands there twice.")));
            }
        }
        Ok(query)
    }

    /// All of it but how old the answer may be: what decides a read beside its path.
    #[must_use]
    pub fn key(&self) -> String {
        self.key_without(&[])
    }

    /// The same, without these either.
    #[must_use]
    pub fn key_without(&self, names: &[&str]) -> String {
        let pairs = self.0.iter().filter(|(name, _)| name != "max_age" && !names.contains(&name.as_str()));
        pairs.map(|(name, value)| [name, "=", value, BETWEEN].concat()).collect()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number within `range`, or `default` if the parameter is not there.
    ///
    /// # Errors
    /// 400, if it is something else.
    pub fn whole(&self, name: &str, range: core::ops::RangeInclusive<u32>, default: u32) -> Result<u32, Problem> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse::<u32>().ok().filter(|n| range.contains(n)).ok_or_else(|| {
            Problem::bad(format!("The query parameter {name} must be a whole number from {} to {}.", range.start(), range.end()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, name: Option<&str>) {
        assert_eq!(Route::of(path).map(|route| route.name()), name, "{path}");
    }

    #[test]
    fn paths() {
        check("/healthz", Some("health"));
        check("/metrics", Some("metrics"));
        check("/cb/meta/t0ken", Some("callback"));
        check("/c/t0ken", Some("tap"));
        check("/v1/channels", Some("channels"));
        check("/v1/channels/meta", Some("channel"));
        check("/v1/channels/meta/rotate", Some("rotate"));
        check("/v1/channels/meta/health", Some("channel_health"));
        check("/v1/channels/meta/test", Some("channel_test"));
        check("/v1/dead_letters", Some("letters"));
        check("/v1/dead_letters/meta~x", Some("letter"));
        check("/v1/quarantine/meta~x/replay", Some("replay_letter"));
        check("/v1/dead_letters/meta~x/forget", None);
        check("/v1/campaigns", Some("campaigns"));
        check("/v1/performance", Some("performance"));
        check("/v1/usage", Some("usage"));
        check("/v1/overall", Some("overall"));
        check("/v1/campaigns/diwali", Some("campaign"));
        check("/v1/campaigns/diwali/dispatches", Some("dispatches"));
        for report in Report::ALL {
            let log = if report == Report::Links { "campaign_links" } else { report.name() };
            check(&format!("/v1/campaigns/diwali/{}", report.name()), Some(log));
        }
        check("/v1/campaigns/diwali/contacts", Some("campaign_contacts"));
        check("/v1/campaigns/diwali/messages", Some("campaign_messages"));
        check("/v1/campaigns/diwali/conversions", Some("campaign_conversions"));
        check("/v1/contacts/lookup", Some("lookup"));
        check("/v1/contacts", None);
        check("/v1/links", Some("links"));
        check("/v1/links/l1", Some("link"));
        check("/v1/links/l1/wrap", Some("wrap_link"));
        check("/v1/wrap", Some("wrap_text"));
        check("/v1/conversions", Some("conversions"));
        check("/v1/settings", Some("settings"));
        check("/v1/keys", Some("keys"));
        check("/v1/keys/k1", Some("key"));
        check("/v1/campaigns/diwali/gate", Some("gate"));
        check("/v1/campaigns/diwali/live", Some("live"));
        check("/v1/campaigns/diwali/live_ticket", Some("live_ticket"));
        check("/v1/campaigns/diwali/shares", Some("shares"));
        check("/v1/campaigns/diwali/shares/s1", Some("share"));
        check("/v1/minting_keys", Some("minting_keys"));
        check("/v1/minting_keys/128", Some("minting_key"));
        for nothing in [
            "",
            "/",
            "/v1",
            "/v1/",
            "/v2/channels",
            "/healthz/",
            "/healthz/x",
            "/c",
            "/c/",
            "/c/a/b",
            "/c//",
            "/cb/meta",
            "/cb/meta/t/x",
            "/v1//channels",
            "/v1/channels/",
            "/v1/channels//rotate",
            "/v1/channels/meta/rotate/x",
            "/v1/campaigns/diwali/unknown",
            "/v1/campaigns/diwali/shares/s1/x",
            "/v1/campaigns/diwali/stats/x",
            "/v1/settings/x",
            "/v1/channels/%ff",
        ] {
            check(nothing, None);
        }
    }

    #[test]
    fn segments_are_decoded() {
        let Some(Route::Campaign { campaign }) = Route::of("/v1/campaigns/%64iwali%2f1") else { panic!("no route") };
        assert_eq!(campaign, "diwali/1");
    }

    #[test]
    fn methods_are_whole_words() {
        let route = Route::of("/v1/campaigns/diwali").unwrap();
        assert!(route.has("PATCH") && route.has("GET"));
        assert!(!route.has("DELETE") && !route.has("") && !route.has("GET, PATCH"));
    }

    #[test]
    fn urls_are_split() {
        assert_eq!(split("https://host:1/a/b?c=d/e"), ("/a/b", "c=d/e"));
        assert_eq!(split("https://host/"), ("/", ""));
        assert_eq!(split("https://host/a?"), ("/a", ""));
        assert_eq!(split("https://host/a?b=c#d?e"), ("/a", "b=c"));
        assert_eq!(origin("https://host:1/a//b").0, "https://host:1");
        assert_eq!(origin("https://host").0, "https://host");
    }

    #[test]
    fn queries() {
        let known = ["limit", "cursor"];
        let query = Query::strict("limit=7&cursor=a%2Bb+c", &known).unwrap();
        assert_eq!(query.get("cursor"), Some("a+b c"));
        assert_eq!(query.whole("limit", 1..=10, 5), Ok(7));
        assert_eq!(Query::default().whole("limit", 1..=10, 5), Ok(5));
        for (bad, known) in [("limit=1&limit=1", &known[..]), ("secret=x", &known), ("x", &[]), ("Limit=1", &known)] {
            let problem = Query::strict(bad, known).unwrap_err();
            assert_eq!(problem.status, 400);
            assert!(!problem.detail.contains("secret"));
        }
        for bad in ["limit=0", "limit=11", "limit=-1", "limit=1.0", "limit=", "limit=99999999999"] {
            let query = Query::strict(bad, &known).unwrap();
            assert_eq!(query.whole("limit", 1..=10, 5).unwrap_err().status, 400, "{bad}");
        }
    }
}
