//! Signatures: the providers' public vectors, and what must not pass.

use bluetick::event::{Event, StatusKind};
use bluetick::provider::{Mapping, Provider, Request, SAMPLE_ID, Signing, Verdict};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::text::NOW_MS;

struct Call<'a> {
    provider: Provider,
    method: &'a str,
    url: &'a str,
    headers: Vec<(&'a str, String)>,
    body: &'a str,
}

impl Call<'_> {
    fn verdict(&self, mapping: Option<&Mapping>, secrets: &[&str]) -> Verdict {
        let wanted = self.provider.wanted_headers(mapping);
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        for (name, _) in &headers {
            assert!(wanted.contains(&name.as_str()), "{name} is not asked for");
        }
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let request = Request { headers: &headers, method: self.method, url: self.url, query, body: self.body.as_bytes() };
        let secrets: Vec<String> = secrets.iter().map(|s| (*s).to_owned()).collect();
        self.provider.verify(&request, &secrets, mapping, NOW_MS)
    }

    /// It passes under its secret, alone, first or second of two; not under another, an empty one, with a byte more, a header
    /// less, or any header changed. Without a secret there is nothing to check.
    fn check(&mut self, mapping: Option<&Mapping>, secret: &str) {
        let good = Verdict::Verified;
        let what = format!("{} {} {}", self.provider.id(), self.url, self.body);
        for secrets in [vec![secret], vec![secret, "other"], vec!["other", secret], vec!["", secret]] {
            assert_eq!(self.verdict(mapping, &secrets), good, "{what}");
        }
        for secrets in [vec!["other"], vec!["other", ""], vec!["other", "more"]] {
            assert!(matches!(self.verdict(mapping, &secrets), Verdict::Bad(_)), "{what}");
        }
        for secrets in [vec![], vec![""]] {
            assert_eq!(self.verdict(mapping, &secrets), Verdict::Unsigned, "{what}");
        }
        for i in 0..self.headers.len() {
            let whole = self.headers.clone();
            for other in ["", "x", "sha256=", "sha256=00", "Bearer a.b.c", "AAAA", "é"] {
                self.headers[i].1 = other.to_owned();
                assert!(matches!(self.verdict(mapping, &[secret]), Verdict::Bad(_)), "{what} {other}");
            }
            // The algorithm's name is the one header that may be missing.
            if self.headers.remove(i).0 != "x-sinch-webhook-signature-algorithm" {
                assert!(matches!(self.verdict(mapping, &[secret]), Verdict::Bad(_)), "{what}");
            }
            self.headers = whole;
        }
    }

    fn check_body_is_bound(&self, mapping: Option<&Mapping>, secret: &str) {
        let body = format!("{}&A=1", self.body);
        let longer = Call { body: &body, headers: self.headers.clone(), ..*self };
        assert!(matches!(longer.verdict(mapping, &[secret]), Verdict::Bad(_)), "{}", self.provider.id());
    }
}

fn call<'a>(provider: Provider, url: &'a str, headers: &[(&'a str, &str)], body: &'a str) -> Call<'a> {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Call { provider, method: "POST", url, headers, body }
}

fn hmac_sha256(secret: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// GitHub signs as Meta does and publishes a vector ("Validating webhook deliveries").
#[test]
fn meta_and_its_kin() {
    let hash = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let secret = "It's a Secret to Everybody";
    let prefixed = format!("sha256={hash}");
    let mut meta = call(Provider::Meta, "", &[("x-hub-signature-256", &prefixed)], "Hello, World!");
    meta.check(None, secret);
    meta.check_body_is_bound(None, secret);
    meta.headers[0].1 = hash.to_owned();
    assert!(matches!(meta.verdict(None, &[secret]), Verdict::Bad(_)), "the prefix is part of it");

    for value in [hash, &prefixed] {
        let mut partner = call(Provider::Dialog360, "", &[("x-360dialog-signature", value)], "Hello, World!");
        partner.check(None, secret);
        partner.check_body_is_bound(None, secret);
    }
    for name in ["interakt-signature", "x-interakt-signature"] {
        let mut interakt = call(Provider::Interakt, "", &[(name, &prefixed)], "Hello, World!");
        interakt.check(None, secret);
        interakt.check_body_is_bound(None, secret);
    }
}

/// The vectors of Twilio's own libraries (twilio-node, twilio-python), token `12345`.
#[test]
fn twilio() {
    const FORM: &str = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const JSON: &str = r#"{"property": "value", "boolean": true}"#;
    let rows = [
        (URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:1234/myapp.php?foo=1&bar=2", FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL, FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", FORM, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("http://mycompany.com/myapp.php?foo=1&bar=2", FORM, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", FORM, "CukzLTc1tT5dXEDIHm/tKBanW10="),
        ("https://user@mycompany.com/myapp.php?foo=1&bar=2", FORM, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
        ("https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", FORM, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
        ("https://mycompany.com/myapp.php?foo=1&bar=2&Body=It's+amazing", FORM, "TfZzewPq8wqrGlMfyAud8+/IvJ0="),
        (URL, "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234", "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (URL, "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx", "83O6e2vORAoJHUNzJjDWN1jz+BA="),
        (
            "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
            JSON,
            "a9nBmqA0ju/hNViExpshrM61xv4=",
        ),
        (
            "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "{}",
            "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
        ),
        (
            "https://mycompany.com/myapp.php?bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
            JSON,
            "y77kIzt2vzLz71DgmJGsen2scGs=",
        ),
    ];
    for (url, body, signature) in rows {
        let mut call = call(Provider::Twilio, url, &[("x-twilio-signature", signature)], body);
        call.check(None, "12345");
        call.check_body_is_bound(None, "12345");
        call.url = "https://mycompany.com/myapp.php?foo=2";
        assert!(matches!(call.verdict(None, &["12345"]), Verdict::Bad(_)), "the URL is part of it");
    }
}

/// The vector of Sinch's Java library.
#[test]
fn sinch() {
    let body = r#"{"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":"e2df3a34-a71b-4448-9db5-a8d2baad28e4","contact_create_notification":{"contact":{"id":"01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":"SMS","identity":"48123456789","app_id":""}],"display_name":"New Test Contact","email":"new.contact@email.com","external_id":"","metadata":"","language":"EN_US"}},"message_metadata":""}"#;
    let headers = [
        ("x-sinch-webhook-signature", "6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE="),
        ("x-sinch-webhook-signature-algorithm", "HmacSHA256"),
        ("x-sinch-webhook-signature-nonce", "01FJA8B4A7BM43YGWSG9GBV067"),
        ("x-sinch-webhook-signature-timestamp", "1634579353"),
    ];
    let mut call = call(Provider::Sinch, "", &headers, body);
    call.check(None, "foo_secret1234");
    call.check_body_is_bound(None, "foo_secret1234");
}

/// The token that Vonage's Python library verifies, and tokens made here for the claims that it lacks.
#[test]
fn vonage() {
    let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpYXQiOjE2OTc2MzQ2ODAsImV4cCI6MzMyNTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9.88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC29y6CGM";
    let secret = "qwertyuiopasdfghjklzxcvbnm123456";
    call(Provider::Vonage, "", &[("authorization", &format!("Bearer {token}"))], "{}").check(None, secret);

    let body = r#"{"message_uuid":"1"}"#;
    let made = |header: &str, claims: &str, key: &str| {
        let signed = format!("{}.{}", base64_url(header.as_bytes()), base64_url(claims.as_bytes()));
        format!("Bearer {signed}.{}", base64_url(&hmac_sha256(key, &signed)))
    };
    let verdict = |header: &str, claims: &str| {
        call(Provider::Vonage, "", &[("authorization", &made(header, claims, "k"))], body).verdict(None, &["k"])
    };
    let hash = hex(&Sha256::digest(body));
    let hs256 = r#"{"alg":"HS256","typ":"JWT"}"#;
    let bound = format!(r#"{{"iat":1760000000,"payload_hash":"{hash}"}}"#);
    assert_eq!(verdict(hs256, &bound), Verdict::Verified);
    assert_eq!(verdict(hs256, &bound.replace(&hash, &hash.to_uppercase())), Verdict::Verified);
    let mut whole = call(Provider::Vonage, "", &[("authorization", &made(hs256, &bound, "k"))], body);
    whole.check(None, "k");
    whole.check_body_is_bound(None, "k");
    for (header, claims) in [
        (hs256, r#"{"payload_hash":"00"}"#),
        (hs256, r#"{"exp":1760000000}"#),
        (hs256, "[]"),
        (hs256, ""),
        (r#"{"alg":"none"}"#, "{}"),
        (r#"{"alg":"RS256"}"#, "{}"),
        (r#"{"alg":"HS512"}"#, "{}"),
        ("{}", "{}"),
    ] {
        assert!(matches!(verdict(header, claims), Verdict::Bad(_)), "{header} {claims}");
    }
    let unsigned = format!("Bearer {}.{}.", base64_url(br#"{"alg":"none"}"#), base64_url(b"{}"));
    let call = call(Provider::Vonage, "", &[("authorization", &unsigned)], body);
    assert!(matches!(call.verdict(None, &["k"]), Verdict::Bad(_)));
}

/// V2 has a public vector (plivo-python); V3 has none, so its strings are written out here as Plivo's library builds them.
#[test]
fn plivo() {
    let signature = "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc=";
    let headers = [("x-plivo-signature-v2", signature), ("x-plivo-signature-v2-nonce", "12345")];
    call(Provider::Plivo, "https://answer.url", &headers, "").check(None, "my_auth_token");

    for (method, url, body, signed) in [
        ("POST", "https://h.example/p", "To=1&From=2", "https://h.example/p?From2To1.nonce"),
        ("POST", "https://h.example/p?b=2&a=1", "To=%2B1&From=2", "https://h.example/p?a=1&b=2.From2To+1.nonce"),
        ("POST", "https://h.example/p?b=2&a=1", "", "https://h.example/p?a=1&b=2.nonce"),
        ("POST", "https://h.example/p", "", "https://h.example/p.nonce"),
        ("POST", "https://h.example/p?a=2&a=1", "To=b&To=a", "https://h.example/p?a=1&a=2.ToaTob.nonce"),
        ("GET", "https://h.example/p?To=1&From=2", "", "https://h.example/p?From=2&To=1.nonce"),
    ] {
        let signature = base64(&hmac_sha256("token", signed));
        for header in [signature.clone(), format!("AAAA,{signature}"), format!("{signature}, BBBB")] {
            let headers = [("x-plivo-signature-v3", header.as_str()), ("x-plivo-signature-v3-nonce", "nonce")];
            let mut call = call(Provider::Plivo, url, &headers, body);
            call.method = method;
            call.check(None, "token");
            if method == "POST" {
                call.check_body_is_bound(None, "token");
            }
        }
    }
}

#[test]
fn infobip_by_each_of_its_ways() {
    let body = r#"{"results":[]}"#;
    let exchange = hex(&hmac_sha256("s:3cret", &format!("1760000000{body}")));
    let plain = hmac_sha256("s:3cret", body);
    let ways: [&[(&str, String)]; 5] = [
        &[("x-ib-exchange-req-signature", exchange), ("x-ib-exchange-req-timestamp", "1760000000".to_owned())],
        &[("x-signature", hex(&plain))],
        &[("x-infobip-signature", base64(&plain))],
        &[("authorization", format!("Basic {}", base64(b"s:3cret")))],
        &[("authorization", "s:3cret".to_owned())],
    ];
    for (i, headers) in ways.into_iter().enumerate() {
        let mut call = Call { provider: Provider::Infobip, method: "POST", url: "", headers: headers.to_vec(), body };
        call.check(None, "s:3cret");
        if i < 3 {
            call.check_body_is_bound(None, "s:3cret");
        }
    }
}

#[test]
fn custom_by_each_kind() {
    let mapping = |signature: &str| -> Mapping {
        let text = format!(
            r#"{{"signature":{signature},"status":{{"message_id":"/id","status":"/status","statuses":{{"ok":"sent"}}}}}}"#
        );
        let mapping: Mapping = serde_json::from_str(&text).unwrap();
        assert_eq!(mapping.validate(), Ok(()));
        mapping
    };
    let hash = hmac_sha256("secret", "body");
    let sha1 = {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(b"secret").unwrap();
        mac.update(b"body");
        mac.finalize().into_bytes()
    };
    let rows = [
        (r#"{"kind":"hmac-sha256","header":"X-Sign","encoding":"hex"}"#, "x-sign", hex(&hash)),
        (r#"{"kind":"hmac-sha256","header":"x-sign","encoding":"hex","prefix":"sha256="}"#, "x-sign", hex(&hash)),
        (
            r#"{"kind":"hmac-sha256","header":"x-sign","encoding":"base64","prefix":"v1="}"#,
            "x-sign",
            format!("v1={}", base64(&hash)),
        ),
        (r#"{"kind":"hmac-sha1","header":"x-sign","encoding":"hex"}"#, "x-sign", hex(&sha1)),
        (r#"{"kind":"hmac-sha1","header":"x-sign","encoding":"base64"}"#, "x-sign", base64(&sha1)),
        (r#"{"kind":"header","header":"X-Api-Key"}"#, "x-api-key", "secret".to_owned()),
        (r#"{"kind":"basic"}"#, "authorization", format!("Basic {}", base64(b"secret"))),
    ];
    for (signature, header, value) in rows {
        let mapping = mapping(signature);
        call(Provider::Custom, "", &[(header, &value)], "body").check(Some(&mapping), "secret");
    }
    let open = mapping(r#"{"kind":"path-token"}"#);
    assert_eq!(call(Provider::Custom, "", &[], "body").verdict(Some(&open), &["secret"]), Verdict::Unsigned);
}

#[test]
fn those_who_never_sign_are_not_checked() {
    for provider in [Provider::Gupshup, Provider::CleverTap, Provider::Wati, Provider::Netcore] {
        assert_eq!(call(provider, "", &[], "body").verdict(None, &["secret"]), Verdict::Unsigned);
    }
}

/// The sample of a channel's test is signed as the provider signs and says what it should; under another secret it does not pass.
#[test]
fn samples_pass_their_own_check() {
    let url = "https://hooks.example/in/main/t0k3n?ref=spring&a=b";
    for provider in Provider::all().filter(|provider| *provider != Provider::Custom) {
        let sample = provider.sample(url, Some("secret"), None, NOW_MS).unwrap();
        let query = "ref=spring&a=b";
        let request = Request { headers: &sample.headers, method: "POST", url, query, body: sample.body.as_bytes() };
        let expected = if provider.signing(None) == Signing::Never { Verdict::Unsigned } else { Verdict::Verified };
        assert_eq!(provider.verify(&request, &["secret".to_owned()], None, NOW_MS), expected, "{}", provider.id());
        let other = provider.verify(&request, &["other".to_owned()], None, NOW_MS);
        assert_eq!(matches!(other, Verdict::Bad(_)), expected == Verdict::Verified, "{}", provider.id());
        let parsed = provider.parse(&request, "main", None, NOW_MS);
        let [Event::Status(status)] = &parsed.events[..] else { panic!("{parsed:?}") };
        assert_eq!((status.message_id.as_str(), status.status), (SAMPLE_ID, StatusKind::Delivered));
        let fresh = status.at_ms.map(|at| NOW_MS - at < 1000);
        assert_eq!(fresh, (!provider.timeless()).then_some(true), "{}", provider.id());
        let named = !matches!(provider, Provider::CleverTap);
        assert_eq!(status.person.phone.as_deref(), named.then_some("12025550100"), "{}", provider.id());
        assert_eq!((parsed.odd, parsed.others), (Vec::new(), Vec::new()));
        assert_eq!(provider.sample(url, None, None, NOW_MS).unwrap().headers, []);
    }
    assert_eq!(Provider::Custom.sample(url, None, None, NOW_MS), None);
}
