//! The lists behind the numbers: who is on them, who may see whom, pages and tables; and everything about one person.

use std::time::Duration;

use bluetick_dev::meta::Status;
use bluetick_dev::{Answer, Server, wait};
use serde_json::{Value, json};

use crate::client::{Api, expect, server};

const BROWSER: &str = "Mozilla/5.0 (Linux; Android 16) Mobile Safari/537.36";
const SENT_MS: i64 = 1_780_000_000_000;

fn status(message: &str, status: &str, contact: &str, later_s: i64) -> Status {
    Status {
        message_id: message.to_owned(),
        status: status.to_owned(),
        at_ms: SENT_MS + later_s * 1_000,
        contact: contact.to_owned(),
        reference: Some("spring".to_owned()),
        ..Status::default()
    }
}

fn contact(no: u32) -> String {
    format!("120255501{no:02}")
}

/// Twenty people: all are sent a message, the even ones receive it, every fourth reads it, 7 and 9 fail; 12 buys.
fn campaign() -> (Server, Api) {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    for no in 0..20 {
        let (message, to) = (format!("wamid.{no}"), contact(no));
        let mut statuses = vec![status(&message, "sent", &to, 0)];
        if no % 2 == 0 {
            statuses.push(status(&message, "delivered", &to, 60));
        }
        if no % 4 == 0 {
            statuses.push(status(&message, "read", &to, 120));
        }
        if no == 7 || no == 9 {
            let error = Some((131_026, "Message undeliverable".to_owned()));
            statuses.push(Status { error, ..status(&message, "failed", &to, 60) });
        }
        statuses.iter().for_each(|status| expect(&api.status(&callback_url, status), 200));
    }
    let refused = json!({"outcome": "error", "contact": contact(30), "attempt": "=1+1", "error": {"code": "429", "title": "slow"},
        "at": "2026-05-28T20:26:40Z"});
    let attempt = json!({"outcome": "error", "contact": contact(31), "attempt": "a.1", "error": {"code": "=2+3", "title": "x"},
        "at": "2026-05-28T20:26:40Z"});
    let refused = api.post("/v1/campaigns/spring/dispatches", json!({"dispatches": [refused, attempt]}));
    expect(&refused, 200);
    assert_eq!(refused.json()["accepted"], json!(1), "an attempt's id holds no formula");
    let bought = json!({"id": "order-1", "contact": contact(12), "value": "149.90", "currency": "EUR",
        "at": "2026-05-28T21:00:00Z"});
    expect(&api.post("/v1/conversions", json!({"conversions": [bought]})), 200);
    (server, api)
}

fn rows(answer: &Answer) -> Vec<Value> {
    expect(answer, 200);
    answer.json()["data"].as_array().unwrap().clone()
}

/// Every row of a list, in pages of `limit`.
fn all(api: &Api, path: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = api.get(&format!("{path}&max_age=0&limit={limit}{cursor}"));
        let page = rows(&answer);
        assert!(page.len() <= limit);
        found.extend(page);
        match answer.json()["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[test]
fn lists_are_the_people_behind_the_numbers() {
    let (_server, api) = campaign();
    let stats = api.stats("spring");
    for (list, word, number) in [
        ("contacts", "attempted", &stats["contacts"]["submitted"]),
        ("contacts", "delivered", &stats["contacts"]["delivered"]),
        ("contacts", "failed", &stats["contacts"]["failed"]),
        ("contacts", "converted", &stats["contacts"]["converted"]),
        ("messages", "read", &stats["messages"]["read"]),
        ("messages", "dispatch_error", &stats["messages"]["dispatch_errors"]),
        ("messages", "in_flight", &stats["messages"]["in_flight"]),
    ] {
        let path = format!("/v1/campaigns/spring/{list}?has={word}");
        let whole = api.get(&format!("{path}&limit=1000&max_age=0"));
        assert_eq!(&whole.json()["total"], number, "{path}");
        assert_eq!(json!(rows(&whole).len()), *number, "{path}");
        assert_eq!(all(&api, &path, 3), rows(&whole), "{path}");
    }
    assert_eq!(rows(&api.get("/v1/campaigns/spring/contacts?has=delivered&not=read&limit=100")).len(), 5);
    assert_eq!(rows(&api.get("/v1/campaigns/spring/contacts?limit=100")).len(), 21, "everybody who was seen");

    let failed = rows(&api.get("/v1/campaigns/spring/messages?has=failed&error=131026"));
    assert_eq!(failed.len(), 2);
    assert_eq!(failed, rows(&api.get("/v1/campaigns/spring/messages?error=unqualified")));
    assert_eq!(failed[0]["error"]["code"], json!("131026"));
    assert_eq!(failed, rows(&api.get("/v1/campaigns/spring/messages?error=meta:131026")));
    assert_eq!(rows(&api.get("/v1/campaigns/spring/messages?error=360dialog:131026")), [] as [Value; 0]);
    assert_eq!(rows(&api.get("/v1/campaigns/spring/messages?error=131047")), [] as [Value; 0]);

    let reader = rows(&api.get("/v1/campaigns/spring/contacts?has=converted"));
    let reader = &reader[0];
    assert_eq!((&reader["contact"], &reader["masked"]), (&json!(contact(12)), &json!("+1202•••••12")));
    assert_eq!(reader["states"]["sent_at"], json!("2026-05-28T20:26:40.000Z"));
    assert_eq!(reader["states"]["read_at"], json!("2026-05-28T20:28:40.000Z"));
    assert_eq!(reader["states"]["converted_at"], json!("2026-05-28T21:00:00.000Z"));
    assert_eq!((&reader["steps"], &reader["error"], &reader["replies"]), (&json!([""]), &json!(null), &json!(0)));

    let purchase = json!({"id": "order-1", "goal": "", "at": "2026-05-28T21:00:00.000Z", "value": "149.90", "currency": "EUR",
        "contact": contact(12), "masked": "+1202•••••12", "handle": reader["handle"], "campaign": "spring", "step": "",
        "message_id": "wamid.12"});
    for path in [
        "/v1/campaigns/spring/conversions",
        "/v1/conversions",
        "/v1/conversions?campaign=spring",
        "/v1/conversions?from=2026-05-28T21:00:00Z&to=2026-05-28T21:15:00Z",
        "/v1/campaigns/spring/conversions?from=2026-05-28T20:15:00Z&to=2026-05-28T20:30:00Z",
    ] {
        let answer = api.get(path);
        assert_eq!((rows(&answer), &answer.json()["total"]), (vec![purchase.clone()], &json!(1)), "{path}");
    }
    for path in [
        "/v1/conversions?from=2026-05-28T21:15:00Z",
        "/v1/campaigns/spring/conversions?from=2026-05-28T21:00:00Z&to=2026-05-28T21:15:00Z",
    ] {
        assert_eq!(rows(&api.get(path)), [] as [Value; 0], "{path}");
    }
}

/// Who asks for three of many is not made to wait for the rest.
#[test]
fn a_page_asks_the_ledgers_for_no_more_than_itself() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let sent = |no| json!({"outcome": "error", "contact": format!("1202555{no:04}"), "attempt": format!("a{no}"), "error": {"code": "1"}});
    let sent: Vec<Value> = (0..800).map(sent).collect();
    expect(&api.post("/v1/campaigns/spring/dispatches", json!({"dispatches": sent})), 200);
    let mut path = "/v1/campaigns/spring/contacts?max_age=0&limit=3".to_owned();
    for _ in 0..3 {
        let before = api.ledger_calls();
        let answer = api.get(&path);
        assert_eq!((rows(&answer).len(), &answer.json()["total"]), (3, &json!(800)));
        // All are asked how many they have, and the first, which has some fifty, who they are.
        assert_eq!(api.ledger_calls() - before, 16 + 1);
        path =
            format!("/v1/campaigns/spring/contacts?max_age=0&limit=3&cursor={}", answer.json()["next_cursor"].as_str().unwrap());
    }
}

#[test]
fn clicks_of_a_link_are_of_people() {
    let (_server, api) = campaign();
    let link = api.post("/v1/links", json!({"campaign": "spring", "url": "https://shop.example/a"})).json();
    let link = link["link"].as_str().unwrap();
    let wrapped = api.post(&format!("/v1/links/{link}/wrap"), json!({"contacts": [contact(2), contact(4)]})).json();
    for tapped in wrapped["data"].as_array().unwrap() {
        expect(&api.0.tap(tapped["tracking_url"].as_str().unwrap(), BROWSER).unwrap(), 302);
    }
    let path = format!("/v1/campaigns/spring/contacts?link={link}");
    assert!(wait::until(Duration::from_secs(10), || api.get(&format!("{path}&max_age=0")).json()["total"] == json!(2)));
    let people = all(&api, &path, 1);
    let mut keys: Vec<&str> = people.iter().map(|row| row["contact"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [contact(2), contact(4)]);
    assert!(people.iter().all(|row| row["clicks"] == json!(1) && row["states"]["clicked_at"].is_string()));
    assert_eq!(rows(&api.get(&format!("/v1/campaigns/spring/messages?link={link}&has=read"))).len(), 1);
}

#[test]
fn cursors_are_good_for_their_list_alone() {
    let (_server, api) = campaign();
    let path = "/v1/campaigns/spring/contacts?has=sent";
    let cursor = api.get(&format!("{path}&limit=2")).json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(!cursor.contains("1202555"));
    expect(&api.get(&format!("{path}&limit=3&cursor={cursor}")), 200);
    let (beginning, end) = cursor.split_at(cursor.len() - 1);
    let tampered = format!("{beginning}{}", if end == "A" { "B" } else { "A" });
    for wrong in [
        format!("{path}&cursor={tampered}"),
        format!("{path}&cursor=invented"),
        format!("/v1/campaigns/spring/contacts?has=delivered&cursor={cursor}"),
        format!("/v1/campaigns/spring/messages?has=sent&cursor={cursor}"),
        format!("{path}&step=&cursor={cursor}"),
        "/v1/campaigns/spring/contacts?has=seen".to_owned(),
        "/v1/campaigns/spring/contacts?from=2026-05-28T21:00:00Z".to_owned(),
        "/v1/campaigns/spring/messages?from=2026-05-28T21:01:00Z".to_owned(),
        "/v1/campaigns/spring/messages?limit=1001".to_owned(),
        "/v1/campaigns/spring/messages?format=xls".to_owned(),
    ] {
        expect(&api.get(&wrong), 400);
    }
    expect(&api.get("/v1/campaigns/summer/contacts"), 404);
    expect(&api.get("/v1/conversions?campaign=summer"), 404);
}

#[test]
fn people_are_masked_without_the_scope() {
    let (_server, api) = campaign();
    let key = api.post("/v1/keys", json!({"name": "numbers", "scopes": ["read"]})).json();
    let reader = Api(api.0.with_key(key["key"].as_str().unwrap()));
    for path in ["/v1/campaigns/spring/contacts?limit=100", "/v1/campaigns/spring/messages?limit=100", "/v1/conversions"] {
        expect(&api.get(path), 200);
        for format in ["json", "csv", "ndjson"] {
            let between = if path.contains('?') { '&' } else { '?' };
            let answer = reader.get(&format!("{path}{between}format={format}"));
            expect(&answer, 200);
            assert!(!answer.text().contains("1202555"), "{}", answer.text());
            assert!(answer.text().contains("+1202•••••"));
        }
        let masked = rows(&reader.get(path));
        assert!(masked.iter().all(|row| row["contact"].is_null() && row["handle"].is_string()));
        // Meta's ids of messages hold the number, in base64.
        let ids = |rows: &[Value]| rows.iter().filter(|row| row["message_id"].is_string()).count();
        assert!(ids(&masked) == 0 && (path.contains("contacts") || ids(&rows(&api.get(path))) > 0), "{path}");
    }
    // A cursor of one who sees people is no good for one who does not.
    let cursor = api.get("/v1/campaigns/spring/contacts?limit=2").json()["next_cursor"].as_str().unwrap().to_owned();
    expect(&reader.get(&format!("/v1/campaigns/spring/contacts?cursor={cursor}")), 400);
    expect(&reader.post("/v1/contacts/lookup", json!({"contact": contact(1)})), 403);
}

#[test]
fn tables_have_all_rows_and_no_formulas() {
    let (_server, api) = campaign();
    let table = api.get("/v1/campaigns/spring/messages?format=csv");
    expect(&table, 200);
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let text = table.text();
    let lines: Vec<&str> = text.strip_suffix("\r\n").unwrap().split("\r\n").collect();
    assert_eq!(lines.len(), 1 + 21);
    assert!(
        lines[0].starts_with("contact,masked,handle,message_id,attempt,channel,step,category,country,states."),
        "{}",
        lines[0]
    );
    for cell in lines.iter().flat_map(|line| line.split(',')) {
        assert!(!cell.trim_start_matches('"').starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    assert!(text.contains("'=2+3") && text.contains("'+1202•••••12"), "{text}");
    assert_eq!(api.get("/v1/campaigns/spring/messages?format=csv&limit=5").text().matches("\r\n").count(), 6);
    let accepts = |accept: &str| {
        let answer = api.0.raw("GET", "/v1/campaigns/spring/contacts?has=read", &[("accept", accept)], &[]).unwrap();
        expect(&answer, 200);
        answer
    };
    let ndjson = accepts("application/x-ndjson");
    let ndjson = ndjson.text();
    let people: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(people, rows(&accepts("application/json")));
}

#[test]
fn a_persons_story_is_told_in_order() {
    let (_server, api) = campaign();
    let asked = json!({"contact": format!("+1 (202) 555-01{:02}", 12)});
    let found = api.post("/v1/contacts/lookup", asked);
    expect(&found, 200);
    let person = found.json();
    assert_eq!((&person["contact"], &person["opted_out"], &person["moving"]), (&json!(contact(12)), &json!(false), &json!(0)));
    let story: Vec<(&str, &str)> = person["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| (told["kind"].as_str().unwrap(), told["status"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(story, [("status", "sent"), ("status", "delivered"), ("status", "read"), ("conversion", "")]);
    let read = &person["timeline"][2];
    assert_eq!(
        (&read["message_id"], &read["campaign"], &read["channel"]),
        (&json!("wamid.12"), &json!("spring"), &json!("meta"))
    );
    assert_eq!(person["timeline"][3]["value"], json!("149.90"));
    let handle = person["handle"].as_str().unwrap();
    assert_eq!(api.post("/v1/contacts/lookup", json!({"handle": handle})).json(), person);

    let failed = api.post("/v1/contacts/lookup", json!({"contact": contact(7)})).json();
    let last = failed["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["error"]["code"], &last["class"]), (&json!("131026"), &json!("unqualified")));
    expect(&api.post("/v1/contacts/lookup", json!({"contact": contact(99)})), 404);
    for wrong in [
        json!({}),
        json!({"contact": "x"}),
        json!({"handle": "x"}),
        json!({"contact": contact(1), "handle": handle}),
        json!({"phone": 1}),
    ] {
        expect(&api.post("/v1/contacts/lookup", wrong), 400);
    }
}
