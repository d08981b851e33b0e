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

/// The scheme in lower case with its `://`, and the rest; `None` if it is neither `http` nor `https`.
pub fn split_scheme(text: &str) -> Option<(&'static str, &str)> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some((scheme, rest))
    })
}

impl Target {
    /// Checks a URL. Characters beyond ASCII after the host become percent-encoded UTF-8, as in a browser; everything else
    /// there stays as it is. Scheme and host become lower case, an empty path becomes `/`.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.len() > TARGET_MAX_CHARS {
            return Err(TargetError::TooLong);
        }
        let (scheme, rest) = split_scheme(text).ok_or(TargetError::Scheme)?;
        let beyond_ascii = |c: char| c.is_whitespace() || c.is_control();
        if text.bytes().any(|b| b <= b' ' || b == b'\\' || b == 0x7f) || !text.is_ascii() && text.chars().any(beyond_ascii) {
            return Err(TargetError::Character);
        }
        let (authority, tail) = rest.split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len())).unwrap_or((rest, ""));
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

    /// The URL without query and fragment: what is in them differs by person.
    #[must_use]
    pub fn without_query(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
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
            match out.split_once('?') {
                None => out.push('?'),
                Some((_, query)) if query.is_empty() || query.ends_with('&') => {}
                Some(_) => out.push('&'),
            }
            push_query(&mut out, pair);
        };
        for pair in query.filter(|q| q.len() <= PASSED_QUERY_MAX_BYTES).unwrap_or_default().split('&') {
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
    let numeric = host.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
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
    push_encoded(out, text, |b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b));
}

fn push_encoded(out: &mut String, text: &str, keep: impl Fn(u8) -> bool) {
    if text.bytes().all(&keep) {
        return out.push_str(text);
    }
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
    form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| name == CLICK_ID_PARAMETER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn check(text: &str, parsed: Result<&str, TargetError>) {
        assert_eq!(Target::parse(text).as_ref().map(Target::as_str), parsed.as_ref().copied(), "{text}");
    }

    #[test]
    fn what_a_target_may_be() {
        check("https://shop.example/sale?c=1#top", Ok("https://shop.example/sale?c=1#top"));
        check("HTTPS://Shop.Example", Ok("https://shop.example/"));
        check("http://shop.example?c=1", Ok("http://shop.example/?c=1"));
        check("http://shop.example#top", Ok("http://shop.example/#top"));
        check("http://localhost:8787/", Ok("http://localhost:8787/"));
        check("http://192.0.2.10:65535/", Ok("http://192.0.2.10:65535/"));
        check("https://xn--bcher-kva.example/", Ok("https://xn--bcher-kva.example/"));
        check("https://a_b.example/", Ok("https://a_b.example/"));
        check(
            "https://shop.example/caffè/काफ़ी",
            Ok("https://shop.example/caff%C3%A8/%E0%A4%95%E0%A4%BE%E0%A4%AB%E0%A4%BC%E0%A5%80"),
        );
        check("https://shop.example/a%2Fb//c/../d;e@f:g", Ok("https://shop.example/a%2Fb//c/../d;e@f:g"));
        check("https://shop.example/?next=https://b.example/@x", Ok("https://shop.example/?next=https://b.example/@x"));
    }

    #[test]
    fn what_it_may_not_be() {
        for text in [
            "",
            "shop.example",
            "//shop.example/",
            "javascript:alert(1)",
            "ftp://shop.example/",
            "https:/shop.example",
            " https://shop.example/",
        ] {
            check(text, Err(TargetError::Scheme));
        }
        for text in [
            "https://shop.example/a b",
            "https://shop.example/\n",
            "https://shop.example/\u{85}",
            "https://shop.example\\@b.example/",
            "https://shop.example/\u{a0}",
            "https://shop.example/\u{0}",
        ] {
            check(text, Err(TargetError::Character));
        }
        for text in [
            "https://user@shop.example/",
            "https://a:b@shop.example/",
            "https://@shop.example/",
            "https://shop.example@b.example",
        ] {
            check(text, Err(TargetError::Credentials));
        }
        for text in [
            "https://",
            "https:///shop.example",
            "https://?a",
            "https://.example/",
            "https://shop..example/",
            "https://shop.example./",
            "https://-a.example/",
            "https://a-.example/",
            "https://bücher.example/",
            "https://shop%2eexample/",
            "https://[::1]/",
            "https://127.1/",
            "https://0x7f.0.0.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://192.0.2.010/",
            "https://192.0.2.256/",
            "https://shop.0x1/",
            "https://shop,example/",
            "https://{{1}}/",
            "https://shop.example…/",
        ] {
            check(text, Err(TargetError::Host));
        }
        check(&format!("https://{}.example/", "a".repeat(64)), Err(TargetError::Host));
        for text in [
            "https://shop.example:/",
            "https://shop.example:0/",
            "https://shop.example:65536/",
            "https://shop.example:80a/",
            "https://shop.example:80:80/",
            "https://shop.example:+80/",
        ] {
            check(text, Err(TargetError::Port));
        }
    }

    #[test]
    fn the_length_is_that_of_the_encoded_form() {
        let url = |n: usize, c: &str| format!("https://shop.example/{}", c.repeat(n));
        assert!(Target::parse(&url(TARGET_MAX_CHARS - 21, "a")).is_ok());
        check(&url(TARGET_MAX_CHARS - 20, "a"), Err(TargetError::TooLong));
        check(&url(400, "è"), Err(TargetError::TooLong));
    }

    #[test]
    fn locations() {
        let check = |target: &str, query: Option<&str>, click_id: Option<&str>, location: &str| {
            assert_eq!(Target::parse(target).unwrap().location(query, click_id), location);
        };
        check("https://shop.example/", None, None, "https://shop.example/");
        check("https://shop.example/", None, Some("k1"), "https://shop.example/?bt=k1");
        check("https://shop.example/?a=1", None, Some("k1"), "https://shop.example/?a=1&bt=k1");
        check("https://shop.example/?", None, Some("k1"), "https://shop.example/?bt=k1");
        check("https://shop.example/?a&", None, Some("k1"), "https://shop.example/?a&bt=k1");
        check("https://shop.example/#/r?b=2", None, Some("k1"), "https://shop.example/?bt=k1#/r?b=2");
        check("https://shop.example/?a=1#top", Some("b=2&c=%20"), Some("k1"), "https://shop.example/?a=1&b=2&c=%20&bt=k1#top");
        check("https://shop.example/", Some("url=https://b.example/"), None, "https://shop.example/?url=https://b.example/");
        check("https://shop.example/", Some("a#b\r\nX: y\\é"), None, "https://shop.example/?a%23b%0D%0AX:%20y%5C%C3%A9");
        check(
            "https://shop.example/",
            Some("&&bt=theirs&%62t=theirs&%62%74&b=2&"),
            Some("k1"),
            "https://shop.example/?b=2&bt=k1",
        );
        check("https://shop.example/", Some("?"), Some("k1"), "https://shop.example/??&bt=k1");
        check("https://shop.example/#x", Some(""), None, "https://shop.example/#x");
        check("https://shop.example/", Some(&"a".repeat(PASSED_QUERY_MAX_BYTES + 1)), None, "https://shop.example/");
    }

    /// What looks most like a URL without being one that is safe: whatever is accepted, the oracle must read alike.
    fn urlish() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("https://".to_owned()),
            Just("http://".to_owned()),
            Just("HTTP:".to_owned()),
            Just("//".to_owned()),
            Just("shop.example".to_owned()),
            Just("127.0.0.1".to_owned()),
            Just("0x7f.1".to_owned()),
            Just("@".to_owned()),
            Just(":80".to_owned()),
            Just(":".to_owned()),
            Just("\\".to_owned()),
            Just("/../".to_owned()),
            Just("?".to_owned()),
            Just("#".to_owned()),
            Just("%2e".to_owned()),
            Just("[::1]".to_owned()),
            Just(".".to_owned()),
            Just("\u{3002}".to_owned()),
            Just("\u{ad}".to_owned()),
            Just("\t".to_owned()),
            "[!-~]{1,4}",
            "\\PC{1,3}",
            "[0-9a-z.-]{1,9}",
        ];
        (
            prop_oneof![4 => Just("https://"), 4 => Just("https://shop.example"), 1 => Just("")],
            proptest::collection::vec(part, 0..7),
        )
            .prop_map(|(scheme, parts)| format!("{scheme}{}", parts.concat()))
    }

    fn place(url: &Url) -> (String, String, Option<u16>, String) {
        (url.scheme().to_owned(), url.host_str().unwrap_or_default().to_owned(), url.port(), url.path().to_owned())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// A browser goes where the check thinks it goes. (A label `xn--…` that is no punycode leads nowhere at all.)
        #[test]
        fn accepted_urls_are_read_alike(text in urlish()) {
            let Ok(target) = Target::parse(&text) else { return Ok(()) };
            let Ok(url) = Url::parse(target.as_str()) else {
                prop_assert!(target.host().contains("xn--"), "{}", target.as_str());
                return Ok(());
            };
            prop_assert_eq!(url.host_str(), Some(target.host()));
            let head = format!("{}://{}", url.scheme(), target.host());
            prop_assert!(target.as_str().starts_with(&head));
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(target.as_str().is_ascii());
            // The written form and the kept form are one place.
            let written = Url::parse(&text);
            prop_assert_eq!(written.as_ref(), Ok(&url));
            let again = Target::parse(target.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&target));
        }

        /// Never an open redirect: no query, however malicious, moves the scheme, host, port, path or fragment.
        #[test]
        fn a_query_moves_nothing(
            text in urlish(), query in proptest::option::of(prop_oneof!["\\PC{0,40}", "[\\x00-\\x7f]{0,40}", urlish()]),
            click_id in proptest::option::of("[0-9A-Za-z_-]{1,22}"),
        ) {
            let Ok(target) = Target::parse(&text) else { return Ok(()) };
            let Ok(url) = Url::parse(target.as_str()) else { return Ok(()) };
            let location = target.location(query.as_deref(), click_id.as_deref());
            prop_assert!(location.bytes().all(|b| b.is_ascii_graphic()), "{}", location);
            let moved = Url::parse(&location).unwrap();
            prop_assert_eq!(place(&moved), place(&url));
            prop_assert_eq!(moved.fragment(), url.fragment());
            if let Some(id) = click_id {
                let ours: Vec<_> = moved.query_pairs().filter(|(name, _)| name == CLICK_ID_PARAMETER).collect();
                prop_assert_eq!(ours.last().map(|(_, value)| value.as_ref()), Some(id.as_str()));
                prop_assert_eq!(ours.len(), 1 + url.query_pairs().filter(|(name, _)| name == CLICK_ID_PARAMETER).count());
            }
        }
    }
}
