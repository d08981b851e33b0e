//! `custom`: the mappings that ship as examples, what they make of a callback, and what is said of bad ones.

use bluetick::provider::{Mapping, Provider, Signing};

use super::text::{lines, parse};

pub fn example(name: &str) -> Mapping {
    let path = format!("{}/examples/mappings/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mapping: Mapping = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(mapping.validate(), Ok(()), "{name}");
    mapping
}

fn check(mapping: &Mapping, body: &str, expected: &[&str]) {
    assert_eq!(lines(&parse(Provider::Custom, Some(mapping), "", body.as_bytes())), expected, "{body}");
}

#[test]
fn every_example_is_used_here() {
    let folder = format!("{}/examples/mappings", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    assert_eq!(names.join(" "), "aisensy alibaba bird chakra doubletick gallabox kaleyra kaleyra-profile msgkart");
}

#[test]
fn aisensy() {
    let mapping = example("aisensy");
    check(
        &mapping,
        r#"{"id":"e","created_at":"2025-10-09T08:53:20Z","topic":"message.status.updated","data":{"message":{"messageId":"a1","status":"FAILED","phone_number":"12025550101","failureResponse":{"code":131026,"reason":"no account"}}}}"#,
        &["status failed; id=a1; phone=12025550101; at_ms=1760000000000; error=131026 no account"],
    );
    check(
        &mapping,
        r#"{"created_at":"2025-10-09T08:53:20Z","topic":"message.sender.user","data":{"message":{"id":"a2","phoneNumber":"12025550101","message_type":"TEXT"}}}"#,
        &["inbound message; id=a2; phone=12025550101; at_ms=1760000000000"],
    );
    check(&mapping, r#"{"topic":"template.updated","data":{}}"#, &["other template.updated"]);
    check(&mapping, r#"{"data":{}}"#, &["odd ; none of the mapping's rules is for it"]);
}

#[test]
fn alibaba() {
    let mapping = example("alibaba");
    check(
        &mapping,
        r#"[{"MessageId":"a1","To":"12025550101","From":"12025550190","Status":"delivered","Timestamp":"1760000000123"},{"MessageId":"a2","To":"12025550101","Status":"failed","Timestamp":"1760000000123","Error":"131026","ErrorDescription":"no account"},{"MessageId":"a3","Status":"deleted"},{"Status":"sent"},3]"#,
        &[
            "status delivered; id=a1; phone=12025550101; at_ms=1760000000123; sender=12025550190",
            "status failed; id=a2; phone=12025550101; at_ms=1760000000123; error=131026 no account",
            "other deleted; id=a3",
            "odd /3; no usable message id where the mapping points",
            "odd /4; none of the mapping's rules is for it",
        ],
    );
}

#[test]
fn chakra_and_msgkart() {
    check(
        &example("chakra"),
        r#"{"event":"deliveryStatus","payload":{"id":"x","externalId":"wamid.C","deliveryStatus":"READ","timestamp":1760000000123,"recipientId":"12025550101"}}"#,
        &["status read; id=wamid.C; phone=12025550101; at_ms=1760000000123"],
    );
    check(
        &example("msgkart"),
        r#"{"messageId":"m1","status":"delivered","sentAt":1759999999,"deliveredAt":1760000000,"readAt":null}"#,
        &["status delivered; id=m1; at_ms=1760000000000"],
    );
}

#[test]
fn bird() {
    let mapping = example("bird");
    check(
        &mapping,
        r#"{"service":"channels","event":"whatsapp.inbound","payload":{"id":"b1","channelId":"ch","sender":{"contact":{"identifierValue":"+12025550101"}},"body":{"type":"text"},"meta":{"extraInformation":{"timestamp":"1760000000"}},"createdAt":"2025-10-09T08:53:25.000Z"}}"#,
        &["inbound message; id=b1; phone=12025550101; at_ms=1760000000000; sender=ch"],
    );
    check(&mapping, r#"{"service":"channels","event":"whatsapp.outbound","payload":{}}"#, &["other whatsapp.outbound"]);
}

#[test]
fn doubletick_gallabox_and_kaleyra() {
    check(
        &example("doubletick"),
        r#"{"to":"12025550190","from":"12025550101","messageId":"wamid.D","receivedAt":"2025-10-09T08:53:20.500Z","integrationType":"WHATSAPP","message":{"type":"TEXT","text":"hi","context":{"id":"d1"}}}"#,
        &["inbound message; id=wamid.D; phone=12025550101; at_ms=1760000000500; sender=12025550190; quoted=d1"],
    );
    check(
        &example("gallabox"),
        r#"{"id":"g1","conversationId":"c","whatsapp":{"from":"12025550101","type":"text","text":{"body":"hi"}},"channelId":"ch"}"#,
        &["inbound message; id=g1; phone=12025550101; sender=ch"],
    );
    // What became of a broadcast's message has the same form, and is nobody's word.
    check(
        &example("gallabox"),
        r#"{"id":"g2","whatsapp":{"from":"12025550190","type":"text","status":"delivered","time":"2025-10-09T08:53:20Z"},"channelId":"ch"}"#,
        &["status delivered; id=g2; at_ms=1760000000000"],
    );
    check(
        &example("kaleyra"),
        r#"{"contacts":[{"wa_id":"12025550101"}],"messages":[{"from":"12025550101","id":"k1","timestamp":"1760000000","text":{"body":"hi"},"type":"text"}]}"#,
        &["inbound message; id=k1; phone=12025550101; at_ms=1760000000000"],
    );
    check(
        &example("kaleyra-profile"),
        "id=k2&status=not-sent&mobile=%2B12025550101&at=1760000000&reason=no+account&custom=spring",
        &["status failed; id=k2; phone=12025550101; at_ms=1760000000000; ref=spring; error=no account no account"],
    );
    check(
        &example("kaleyra-profile"),
        "from=12025550101&type=button&created_at=2025-10-09+08%3A53%3A20&reply_to=k2&wanumber=12025550190",
        &["inbound quick_reply; id=made-882; phone=12025550101; at_ms=1760000000000; sender=12025550190; quoted=k2"],
    );
}

/// Everything that a mapping can say, in one.
#[test]
fn every_field() {
    let mapping: Mapping = serde_json::from_str(
        r##"{
            "items": "/a~1b/0/list", "time_unit": "us",
            "status": {
                "when": {"field": "/kind", "is": ["st", "st2"]}, "message_id": "/id", "status": ["/nope", "/state/0/word"],
                "statuses": {"S": "sent", "D": "delivered", "R": "read", "P": "played", "F": "failed", "X": "other"},
                "contact": "/to", "user_id": "/user", "time": "/t", "error_code": "/e/c", "error_title": "/e/t",
                "reference": "/ref", "sender": "#/number", "category": "/cat", "billable": "/bill"
            },
            "inbound": {
                "when": {"field": "/kind", "is": ["in"]}, "message_id": "/id", "contact": "/from", "user_id": "/user",
                "time": "/t", "sender": "#/number", "quoted": "/q", "type": "/type",
                "types": {"m": "message", "q": "quick_reply", "r": "reaction", "u": "reaction_removed", "o": "other"}
            }
        }"##,
    )
    .unwrap();
    assert_eq!(mapping.validate(), Ok(()));
    let statuses = ["s", "D", "R", "P", "F", "X", "Z"]
        .map(|word| format!(r#"{{"kind":"st2","id":"{word}","state":[{{"word":"{word}"}}],"to":"12025550101","user":"US.1","t":1760000000000001,"e":{{"c":7,"t":"T"}},"ref":"R","cat":"c","bill":"true"}}"#));
    let inbound = ["m", "q", "r", "u", "o", "text", "nonsense"].map(|kind| {
        format!(r#"{{"kind":"in","id":"{kind}","from":"12025550101","t":"1760000000000001","q":"Q","type":"{kind}"}}"#)
    });
    let items = [statuses.join(","), inbound.join(","), r#"{"kind":"new"}"#.to_owned()].join(",");
    let body = format!(r#"{{"number":5550190,"a/b":[{{"list":[{items}]}}]}}"#);
    let status = "phone=12025550101; user=US.1; at_ms=1760000000000; sender=5550190; ref=R; category=c; billable=true";
    let plain = "phone=12025550101; at_ms=1760000000000; sender=5550190; quoted=Q";
    let said: Vec<String> = [
        format!("status sent; id=s; {status}"),
        format!("status delivered; id=D; {status}"),
        format!("status read; id=R; {status}"),
        format!("status played; id=P; {status}"),
        format!("status failed; id=F; {status}; error=7 T"),
        format!("inbound message; id=m; {plain}"),
        format!("inbound quick_reply; id=q; {plain}"),
        format!("inbound reaction; id=r; {plain}"),
        format!("inbound reaction_removed; id=u; {plain}"),
        format!("inbound other; id=o; {plain}"),
        format!("inbound message; id=text; {plain}"),
        format!("inbound other; id=nonsense; {plain}"),
        "other X; id=X; phone=12025550101; user=US.1; at_ms=1760000000000".to_owned(),
        "other Z; id=Z; phone=12025550101; user=US.1; at_ms=1760000000000".to_owned(),
        "other new".to_owned(),
    ]
    .into();
    check(&mapping, &body, &said.iter().map(String::as_str).collect::<Vec<_>>());
    check(&mapping, r#"{"a/b":[]}"#, &["odd ; no list where the mapping's items point"]);
    check(&mapping, "nonsense", &["odd ; not JSON"]);
    assert_eq!(mapping.signing(), Signing::Never);
    assert_eq!(lines(&parse(Provider::Custom, None, "", b"{}")), ["odd ; the channel has no mapping"]);
}

#[test]
fn what_is_wrong_is_said_with_its_pointer() {
    let check = |text: &str, flaws: &[&str]| {
        let mapping: Mapping = serde_json::from_str(text).unwrap();
        let said = mapping.validate().unwrap_err();
        assert_eq!(said.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), flaws, "{text}");
    };
    check("{}", &[""]);
    check(r#"{"inbound":{}}"#, &["/inbound"]);
    check(r#"{"items":"list","inbound":{"contact":"/a"}}"#, &["/items"]);
    check(r#"{"body":"form","items":"/list","inbound":{"contact":"a"}}"#, &["/items"]);
    check(r#"{"body":"form","inbound":{"contact":""}}"#, &["/inbound/contact"]);
    check(r#"{"inbound":{"contact":["/a","b"],"type":"/x~2"}}"#, &["/inbound/contact", "/inbound/type"]);
    check(r##"{"inbound":{"contact":"#a","user_id":[]}}"##, &["/inbound/contact", "/inbound/user_id"]);
    check(&format!(r#"{{"inbound":{{"contact":"{}"}}}}"#, "/a".repeat(17)), &["/inbound/contact"]);
    check(
        r#"{"status":{"message_id":"/i","status":"/s","statuses":{},"when":{"field":"f","is":[]}}}"#,
        &["/status/when/field", "/status/when/is", "/status/statuses"],
    );
    check(r#"{"status":{"message_id":"/i","status":"/s","statuses":{"":"sent"}}}"#, &["/status/statuses"]);
    for signature in [
        r#"{"kind":"header","header":""}"#,
        r#"{"kind":"header","header":"a b"}"#,
        r#"{"kind":"hmac-sha1","header":"é","encoding":"hex"}"#,
    ] {
        check(&format!(r#"{{"signature":{signature},"inbound":{{"contact":"/a"}}}}"#), &["/signature/header"]);
    }
    let prefix = r#"{"kind":"hmac-sha1","header":"x","encoding":"hex","prefix":"a b"}"#;
    check(&format!(r#"{{"signature":{prefix},"inbound":{{"contact":"/a"}}}}"#), &["/signature/prefix"]);

    for text in [
        r#"{"inbound":{"contact":"/a"},"extra":1}"#,
        r#"{"inbound":{"contact":"/a","extra":1}}"#,
        r#"{"inbound":{"contact":1}}"#,
        r#"{"status":{"message_id":"/i","status":"/s","statuses":{"x":"clicked"}}}"#,
        r#"{"signature":{"kind":"hmac-md5","header":"x","encoding":"hex"},"inbound":{"contact":"/a"}}"#,
        r#"{"signature":{"kind":"hmac-sha256","encoding":"hex"},"inbound":{"contact":"/a"}}"#,
    ] {
        assert!(serde_json::from_str::<Mapping>(text).is_err(), "{text}");
    }
}

/// A mapping that is stored and read again is the same.
#[test]
fn a_mapping_survives_storage() {
    for name in ["aisensy", "alibaba", "doubletick", "kaleyra-profile", "msgkart"] {
        let mapping = example(name);
        assert_eq!(serde_json::from_str::<Mapping>(&serde_json::to_string(&mapping).unwrap()).unwrap(), mapping);
    }
}
