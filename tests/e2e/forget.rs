//! Who is erased is gone from every object, and the numbers stay; what is too old is refused.

use std::time::{Duration, SystemTime};

use bluetick_dev::meta::{self, Status};
use bluetick_dev::{Options, Server, wait};
use serde_json::{Value, json};

use crate::client::{Api, SENDER, expect, server};

const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];
const CONTACT: &str = "12025550142";

fn now_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64
}

fn status(message: &str, status: &str, at_ms: i64) -> Status {
    Status {
        message_id: message.to_owned(),
        status: status.to_owned(),
        at_ms,
        contact: CONTACT.to_owned(),
        reference: Some("spring".to_owned()),
        ..Status::default()
    }
}

fn health(api: &Api, name: &str) -> Value {
    api.get("/v1/channels/meta/health").json()[name].clone()
}

#[test]
fn the_erased_are_gone_and_counted() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    let before_ms = now_ms() - 60_000;
    expect(&api.status(&callback_url, &status("wamid.a", "delivered", before_ms)), 200);
    // Nobody understands it, and the number is in it.
    let odd = meta::envelope(&[vec![meta::change(SENDER, &[json!({"recipient_id": CONTACT})], &[])]]);
    expect(&api.callback(&callback_url, &odd), 200);
    let others = meta::envelope(&[vec![meta::change(SENDER, &[json!({"recipient_id": "12025550143"})], &[])]]);
    expect(&api.callback(&callback_url, &others), 200);
    let letters = || api.get("/v1/dead_letters?channel=meta").json()["total"].clone();
    assert_eq!(letters(), json!(2));
    let before = api.stats("spring");

    let erased = api.post("/v1/contacts/erase", json!({"contact": "+1 (202) 555-0142"}));
    expect(&erased, 200);
    let erased = erased.json();
    assert_eq!(erased["letters"], json!(1));
    assert_eq!(letters(), json!(1));
    let after = api.stats("spring");
    for part in ["messages", "contacts"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    // What no list shows any more, the numbers say.
    assert_eq!((&before["erased"], &after["erased"], &after["expired"]), (&json!(0), &json!(1), &json!(0)));
    let listed = api.get("/v1/campaigns/spring/messages").json();
    assert_eq!((&listed["total"], &listed["erased"]), (&json!(0), &json!(1)));
    // From before, it counts nowhere; the person lives on as another.
    expect(&api.status(&callback_url, &status("wamid.a", "read", before_ms + 1)), 200);
    assert_eq!(api.stats("spring")["messages"], before["messages"]);
    assert!(wait::until(Duration::from_secs(5), || health(&api, "after_erasure") == json!(1)));
    expect(&api.status(&callback_url, &status("wamid.b", "read", now_ms() + 1_000)), 200);
    let later = api.stats("spring");
    assert_eq!((&later["messages"]["sent"], &later["contacts"]["sent"]), (&json!(2), &json!(2)));
    // An order of before is not theirs any more, and takes it from nobody.
    let order = |contact: &str, at_ms: i64| json!({"conversions": [{"id": "order-1", "contact": contact, "value": "5", "currency": "EUR", "at": rfc3339(at_ms / 1000)}]});
    expect(
        &api.status(&callback_url, &Status { contact: "12025550143".to_owned(), ..status("wamid.c", "read", before_ms) }),
        200,
    );
    expect(&api.post("/v1/conversions", order("12025550143", before_ms + 20_000)), 200);
    expect(&api.post("/v1/conversions", order(CONTACT, before_ms + 10_000)), 200);
    assert_eq!(api.stats("spring")["conversions"]["total"], json!(1));
    let later = api.stats("spring");
    // By the handle too, and again.
    expect(&api.post("/v1/contacts/erase", json!({"handle": erased["handle"]})), 200);
    assert_eq!(api.stats("spring")["messages"], later["messages"]);
    for (body, pointer) in [(json!({}), "/contact"), (json!({"contact": "x"}), "/contact"), (json!({"handle": "x"}), "/handle")] {
        let refused = api.post("/v1/contacts/erase", body);
        expect(&refused, 400);
        assert_eq!(refused.json()["errors"][0]["pointer"], json!(pointer));
    }
}

/// A user id that was another's first goes with that one, and not with whom a later pair names beside it.
#[test]
fn who_is_erased_takes_nothing_of_others_along() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("meta");
    let user = "US.13491208655302741918";
    let pair = |message: &str, contact: &str, at_s: i64| json!({"id": message, "status": "sent", "timestamp": at_s.to_string(), "recipient_id": contact, "recipient_user_id": user});
    // Each in a callback of its own; the last is understood by nobody.
    for status in
        [pair("w1", CONTACT, 1_780_000_100), pair("w2", "12025550143", 1_780_000_200), json!({"recipient_user_id": user})]
    {
        let body = meta::envelope(&[vec![meta::change(SENDER, &[status], &[])]]);
        expect(&api.callback(&callback_url, &body), 200);
    }
    let erase = |contact: &str| {
        let answer = api.post("/v1/contacts/erase", json!({ "contact": contact }));
        expect(&answer, 200);
        answer.json()["letters"].clone()
    };
    assert_eq!(erase("12025550143"), json!(0), "the letter is of the other");
    assert_eq!(api.post("/v1/contacts/lookup", json!({ "contact": user })).json()["contact"], json!(CONTACT));
    assert_eq!(erase(CONTACT), json!(1));
}

/// What a channel left behind when it was deleted is searched too.
#[test]
fn letters_of_a_deleted_channel_go_as_well() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("meta");
    let odd = meta::envelope(&[vec![meta::change(SENDER, &[json!({"recipient_id": CONTACT})], &[])]]);
    expect(&api.callback(&callback_url, &odd), 200);
    expect(&api.delete("/v1/channels/meta"), 204);
    let erased = api.post("/v1/contacts/erase", json!({"contact": CONTACT}));
    expect(&erased, 200);
    assert_eq!(erased.json()["letters"], json!(1));
    assert_eq!(api.get("/v1/dead_letters?channel=meta").json()["total"], json!(0));
}

#[test]
fn what_is_too_old_is_refused_by_line_and_counted() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    expect(&api.put("/v1/settings", json!({"timezone": "UTC", "retention_days": 90})), 200);
    let at = |days: i64| {
        let seconds = now_ms() / 1000 - days * 86_400;
        json!({"outcome": "accepted", "contact": CONTACT, "message_id": format!("wamid.{days}"), "attempt": "1", "at": rfc3339(seconds)})
    };
    let answer = api.post("/v1/campaigns/spring/dispatches", json!({"dispatches": [at(89), at(91), at(1)]}));
    expect(&answer, 200);
    let answer = answer.json();
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(2), &json!(1)));
    assert_eq!(answer["rejected"][0]["errors"][0]["pointer"], json!("/at"));
    expect(&api.status(&callback_url, &status("wamid.old", "sent", now_ms() - 91 * 86_400_000)), 200);
    assert_eq!(api.stats("spring")["messages"]["sent"], json!(2));
    assert!(wait::until(Duration::from_secs(5), || health(&api, "expired") == json!(2)));
}

/// What one deployment told, another with other Ledgers takes in, and answers the same.
#[test]
fn a_workspace_moves_to_other_ledgers() {
    let with = |ledgers: &str| {
        let vars = [("BLUETICK_LEDGERS", ledgers), ("BLUETICK_MASTER_KEY", "one master key of two deployments")];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Server::start(Options { vars, ..Options::default() }).unwrap()
    };
    let (old, new) = (with("2"), with("4"));
    let (from, to) = (Api::of(&old), Api::of(&new));
    expect(&from.campaign("spring", json!({})), 201);
    let callback_url = from.channel("meta");
    for contact in 0..20 {
        let mut read = status(&format!("wamid.{contact}"), "read", now_ms() - 60_000);
        read.contact = format!("120255501{contact:02}");
        expect(&from.status(&callback_url, &read), 200);
    }
    expect(&from.post("/v1/contacts/erase", json!({"contact": "12025550101"})), 200);
    let export = from.get("/v1/export");
    expect(&export, 200);
    let text = export.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() > 40 && lines.first() == lines.last(), "{} lines", lines.len());
    for _ in 0..2 {
        for chunk in lines.chunks(30) {
            let answer = to.0.raw("POST", "/v1/import", &NDJSON, chunk.join("\n").as_bytes()).unwrap();
            expect(&answer, 200);
            assert_eq!(answer.json(), json!({"accepted": chunk.len(), "rejected": []}));
        }
        let (mut before, mut after) = (from.stats("spring"), to.stats("spring"));
        for shown in [&mut before, &mut after] {
            let shown = shown.as_object_mut().unwrap();
            drop((shown.remove("as_of"), shown.remove("version")));
        }
        assert_eq!(after, before);
        assert_eq!(after["messages"]["read"], json!(20));
    }
    // Another deployment's handles mean nothing.
    let other = server();
    let refused = Api::of(&other).0.raw("POST", "/v1/import", &NDJSON, lines[0].as_bytes()).unwrap();
    expect(&refused, 409);
}

/// Seconds since 1970 as a time of UTC.
fn rfc3339(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The civil date of a day, by the usual arithmetic on 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}
