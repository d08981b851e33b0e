//! Where a tracking link may lead, and the `Location` that a click is sent to.
//!
//! A target is checked by hand, because the `url` crate would cost a fifth of the worker. What is accepted here, a browser
//! reads with the same scheme, host and path; what is doubtful is refused. It knows nothing of links, tokens or requests.

use core::fmt::Write as _;

/// The most characters of a target, after percent-encoding.
pub const TARGET_MAX_CHARS: usize = 2048;

/// The most bytes of a request's query that are passed on; a longer one is not passed at all.
pub const PASSED_QUERY_MAX_BYTES: usize = 2048;

/// The query parameter that carries the click id to the shop.
pub const CLICK_ID_PARAMETER: &str = "bt";

/// An `http` or `https` URL that a link may lead to: ASCII, scheme and host in lower case, the path never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    url: String,
    /// Where in `url` the host lies, without the port.
    host: core::ops::Range<usize>,
}

/// Why a URL is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// Neither `http://` nor `https://`.
    Scheme,
    /// More than [`TARGET_MAX_CHARS`].
    TooLong,
    /// White space, a control character or a backslash.
    Character,
    /// A user name or password before the host.
    Credentials,
    /// No host, or one that is neither an ASCII (or punycode) name nor an IPv4 address in its plain form.
    Host,
    /// A port outside 1–65535.
    Port,
}

impl TargetError {
    /// For people, as an answer's `detail`.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Scheme => "must begin with http:// or https://",
            Self::TooLong => "must have at most 2048 characters",
            Self::Character => "must not contain white space, control characters or backslashes",
            Self::Credentials => "must not contain a user name or password",
            Self::Host => "must name a host; international names in punycode (xn--…)",
            Self::Port => "must have a port from 1 to 65535, or none",
        }
    }
}

impl Target {
    /// Checks a URL. Characters beyond ASCII after the host become percent-encoded UTF-8, as in a browser; everything else
    /// there stays as it is. Scheme and host become lower case, an empty path becomes `/`.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.len() > TARGET_MAX_CHARS {
            return Err(TargetError::TooLong);
        }
        let (scheme, rest) = split_scheme(text).ok_or(TargetError::Scheme)?;
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(TargetError::Character);
        }
        let (authority, tail) = rest
            .split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
            .unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(TargetError::Credentials);
        }
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return Err(TargetError::Host);
        }
        if port.is_some_and(|port| !is_port(port)) {
            return Err(TargetError::Port);
        }
        let mut url = String::with_capacity(text.len() + 1);
        url.push_str(scheme);
        let start = url.len();
        url.push_str(&host);
        let host = start..url.len();
        if let Some(port) = port {
            url.push(':');
            url.push_str(port);
        }
        if !tail.starts_with('/') {
            url.push('/');
        }
        push_ascii(&mut url, tail);
        if url.len() > TARGET_MAX_CHARS {
            return Err(TargetError::TooLong);
        }
        Ok(Self { url, host })
    }

    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The host in lower case, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.get(self.host.clone()).unwrap_or_default()
    }

    /// The `Location` of one click: the target, the request's own query if it is to be passed, and the click id if it is to be
    /// appended, both before the fragment. Scheme, host, port and path are those of the target, whatever the query says.
    ///
    /// `query` is the request's, without `?`. A click id in it is left out: it would pass for ours.
    #[must_use]
    pub fn location(&self, query: Option<&str>, click_id: Option<&str>) -> String {
        let (before, fragment) = match self.url.find('#') {
            Some(at) => self.url.split_at_checked(at).unwrap_or((&self.url, "")),
            None => (self.url.as_str(), ""),
        };
        let mut out = before.to_owned();
        let mut append = |pair: &str| {
            if !out.contains('?') {
                out.push('?');
            } else if !out.ends_with(['?', '&']) {
                out.push('&');
            }
            push_query(&mut out, pair);
        };
        for pair in query
            .filter(|q| q.len() <= PASSED_QUERY_MAX_BYTES)
            .unwrap_or_default()
            .split('&')
        {
            if !pair.is_empty() && !names_click_id(pair) {
                append(pair);
            }
        }
        if let Some(id) = click_id {
            append(&format!("{CLICK_ID_PARAMETER}={id}"));
        }
        out.push_str(fragment);
        out
    }
}

/// The scheme in lower case with its `://`, and the rest.
fn split_scheme(text: &str) -> Option<(&'static str, &str)> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some((scheme, rest))
    })
}

/// A name of DNS labels (letters, digits, `-`, `_`), or an IPv4 address in its plain form. A name whose last label begins with a
/// digit is refused unless it is such an address: browsers read `0x7f.1` and `127.1` as addresses.
fn is_host(host: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let address = || {
        let octet = |o: &str| o.parse::<u8>().is_ok_and(|n| n.to_string() == o);
        host.split('.').count() == 4 && host.split('.').all(octet)
    };
    let numeric = host
        .rsplit('.')
        .next()
        .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    host.len() <= 253 && host.split('.').all(label) && (!numeric || address())
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0)
}

/// Appends `text`, what lies beyond ASCII as percent-encoded UTF-8.
fn push_ascii(out: &mut String, text: &str) {
    push_encoded(out, text, |b| b.is_ascii());
}

/// Appends `text`, everything that RFC 3986 (section 3.4) does not allow in a query percent-encoded: no `#`, no white space.
fn push_query(out: &mut String, text: &str) {
    push_encoded(out, text, |b| {
        b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b)
    });
}

fn push_encoded(out: &mut String, text: &str, keep: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Whether a pair of a query is a click id, in whatever spelling: `%62t=…` is one to the shop.
fn names_click_id(pair: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .is_some_and(|(name, _)| name == CLICK_ID_PARAMETER)
}
