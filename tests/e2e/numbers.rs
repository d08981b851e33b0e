//! The numbers that a dashboard asks for, over HTTP: their shapes, their parameters, and that the runtime's time zones are those of
//! the zone database.

use std::collections::BTreeMap;

use bluetick_dev::meta::Status;
use bluetick_dev::{Answer, Server};
use chrono::{DateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::client::{Api, expect, server};

/// 2026-11-02T09:20:00Z: in a month that is over some day, and after the autumn's clock changes.
const AT_MS: i64 = 1_793_611_200_000;

fn get(api: &Api, path: &str) -> Value {
    let between = if path.contains('?') { '&' } else { '?' };
    let answer = api.get(&format!("{path}{between}max_age=0"));
    expect(&answer, 200);
    answer.json()
}

fn status(message: &str, status: &str, contact: &str, at_ms: i64, reference: &str) -> Status {
    Status {
        message_id: message.to_owned(),
        status: status.to_owned(),
        at_ms,
        contact: contact.to_owned(),
        reference: Some(reference.to_owned()),
        category: Some("marketing".to_owned()),
        ..Status::default()
    }
}

/// A campaign `spring` of two steps, tagged, with six messages, an error, somebody left out, a control group and orders; and a
/// campaign `autumn` of one message.
fn workspace(server: &Server) -> Api {
    let api = Api::of(server);
    let callback_url = api.channel("meta");
    expect(&api.campaign("spring", json!({"tags": ["x", "y"], "audience_size": 12})), 201);
    expect(&api.campaign("autumn", json!({"tags": ["y"]})), 201);
    for n in 0..6 {
        let (message, contact) = (format!("wamid.{n}"), format!("1202555010{n}"));
        let reference = if n < 4 { "spring" } else { "spring:second" };
        let mut told = vec!["sent"];
        told.extend(["delivered", "read"].iter().take(n));
        for (later, word) in (0..).zip(told) {
            let status = status(&message, word, &contact, AT_MS + later * 3_600_000, reference);
            expect(&api.status(&callback_url, &status), 200);
        }
    }
    expect(&api.status(&callback_url, &status("wamid.9", "delivered", "447700900109", AT_MS, "autumn")), 200);
    let dispatches = json!({"dispatches": [
        {"outcome": "error", "contact": "12025550120", "attempt": "a", "error": {"code": "131026", "title": "x"}, "at": "2026-11-02T09:20:00Z"},
        {"outcome": "skipped", "contact": "12025550121", "reason": "dnd"},
        {"outcome": "control", "contact": "12025550122", "at": "2026-11-02T09:20:00Z"},
    ]});
    let answer = api.post("/v1/campaigns/spring/dispatches", dispatches).json();
    assert_eq!(answer["accepted"], json!(3), "{answer}");
    let conversions = json!({"conversions": [
        {"id": "o1", "contact": "12025550105", "value": "149.90", "currency": "EUR", "at": "2026-11-02T12:00:00Z"},
        {"id": "o2", "contact": "12025550122", "value": "10", "currency": "EUR", "at": "2026-11-02T12:00:00Z"},
    ]});
    assert_eq!(api.post("/v1/conversions", conversions).json()["accepted"], json!(2));
    expect(&api.put("/v1/settings", json!({"timezone": "Asia/Kolkata", "monthly_quota": {"amount": 10, "unit": "messages_delivered"},
        "rate_card": [{"effective_from": "2026-11-02", "country": "*", "category": "marketing", "price": "0.05", "currency": "EUR"},
            {"effective_from": "2026-01-01", "country": "GB", "category": "marketing", "price": "1", "currency": "GBP"}]})), 200);
    api
}

#[test]
fn the_reports_of_a_campaign() {
    let server = server();
    let api = workspace(&server);
    let of = |report: &str| get(&api, &format!("/v1/campaigns/spring/{report}"));

    let stats = of("stats");
    assert_eq!(stats["messages"]["sent"], json!(6), "{stats}");
    assert_eq!(stats["cost"], json!({"total": {"EUR": "0.30"}, "unpriced": 0, "basis": ["rate_card"]}), "{stats}");
    assert_eq!(stats["lists"]["contacts.read"], json!("/v1/campaigns/spring/contacts?has=read"));
    let period = "from=2026-11-02T09:15:00Z&to=2026-11-02T10:15:00Z";
    let sent = of(&format!("stats?{period}"));
    assert_eq!(
        (&sent["messages"]["read"], &sent["contacts"], &sent["basis"]),
        (&json!(4), &Value::Null, &json!("sent")),
        "{sent}"
    );
    assert_eq!(sent["cost"]["total"], json!({"EUR": "0.30"}), "{sent}");
    let event = of(&format!("stats?{period}&basis=event&step=second"));
    assert_eq!((&event["messages"]["sent"], &event["messages"]["read"]), (&json!(2), &json!(0)), "{event}");

    let skipped = of("contacts?has=skipped");
    assert_eq!((&skipped["total"], &skipped["data"][0]["reason"]), (&json!(1), &json!("dnd")), "{skipped}");

    let funnel = of("funnel?stages=sent,read,converted");
    let row = |n: usize| (funnel["data"][n]["contacts"].clone(), funnel["data"][n]["of_previous"].clone());
    assert_eq!(
        [row(0), row(1), row(2)],
        [(json!(6), Value::Null), (json!(4), json!(4.0 / 6.0)), (json!(1), json!(0.25))],
        "{funnel}"
    );

    let steps = of("steps");
    let names: Vec<&str> = steps["data"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, ["", "second"], "{steps}");
    assert_eq!(steps["data"][1]["conversions"], json!({"total": 1, "contacts": 1, "revenue": {"EUR": "149.90"}}), "{steps}");

    let errors = of("errors");
    assert_eq!(errors["data"].as_array().unwrap().len(), 1, "{errors}");
    let error = &errors["data"][0];
    assert_eq!((&error["kind"], &error["code"], &error["count"]), (&json!("dispatch"), &json!("131026"), &json!(1)));
    assert!(!error["title"].as_str().unwrap().is_empty() && error["retryable"].is_boolean() && error["class"].is_string());
    assert_eq!(get(&api, error["list"].as_str().unwrap())["total"], json!(1), "{error}");

    let experiment = of("experiment");
    assert_eq!((&experiment["target"]["contacts"], &experiment["control"]["converted"]), (&json!(7), &json!(1)), "{experiment}");
    assert_eq!(experiment["control"]["revenue"], json!({"EUR": "10.00"}), "{experiment}");

    let path = "/v1/campaigns/spring/trend?granularity=day&from=2026-11-01T18:30:00Z&to=2026-11-03T18:30:00Z";
    let trend = get(&api, path);
    let read =
        |n: usize| (trend["data"][n]["period"].clone(), trend["data"][n]["read"].clone(), trend["data"][n]["revenue"].clone());
    assert_eq!(trend["timezone"], json!("Asia/Kolkata"), "{trend}");
    assert_eq!(
        [read(0), read(1)],
        [(json!("2026-11-02"), json!(4), json!({"EUR": "149.90"})), (json!("2026-11-03"), json!(0), json!({})),],
        "{trend}"
    );
    let csv = api.get(&format!("{path}&format=csv"));
    expect(&csv, 200);
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    let csv = csv.text().to_owned();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("period,start,end,") && lines[0].contains(",clicks.unique,"), "{csv}");
    assert!(lines.len() == 3 && lines[1].starts_with("2026-11-02,2026-11-01T18:30:00.000Z,"), "{csv}");
    let accept = [("accept", "application/x-ndjson")];
    let ndjson = api.0.raw("GET", path, &accept, b"").unwrap();
    assert_eq!(ndjson.text().lines().count(), 2);

    let link = api.post("/v1/links", json!({"campaign": "spring", "url": "https://shop.example/a", "label": "Shop"})).json();
    let links = of("links");
    let row = &links["data"][0];
    assert_eq!(
        (&row["link"], &row["label"], &row["total"], &row["share"]),
        (&link["link"], &json!("Shop"), &json!(0), &Value::Null)
    );
    assert_eq!(row["url"], json!("https://shop.example/a"), "{links}");
}

#[test]
fn numbers_across_campaigns() {
    let server = server();
    let api = workspace(&server);
    let list = |query: &str| -> Vec<String> {
        let page = get(&api, &format!("/v1/campaigns?{query}"));
        page["data"].as_array().unwrap().iter().map(|row| row["campaign"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list("sort=-sent"), ["spring", "autumn"]);
    assert_eq!(list("sort=name"), ["autumn", "spring"]);
    assert_eq!(list("sort=read_rate"), ["autumn", "spring"]);
    assert_eq!(list("q=SPR&status=live&type=broadcast&tag=y"), ["spring"]);
    assert_eq!(list("created_to=2020-01-01T00:00:00Z"), Vec::<String>::new());
    let first = get(&api, "/v1/campaigns?sort=-sent&limit=1");
    assert_eq!((&first["total"], &first["data"][0]["delivered"]), (&json!(2), &json!(5)), "{first}");
    assert_eq!(first["data"][0]["rates"]["delivery"], json!(5.0 / 6.0), "{first}");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = get(&api, &format!("/v1/campaigns?sort=-sent&limit=1&cursor={cursor}"));
    assert_eq!((&second["data"][0]["campaign"], &second["next_cursor"]), (&json!("autumn"), &Value::Null), "{second}");
    for path in ["/v1/campaigns?limit=50", "/v1/campaigns?sort=-sent"] {
        let before = api.ledger_calls();
        assert_eq!(get(&api, path)["data"].as_array().unwrap().len(), 2);
        assert_eq!(api.ledger_calls() - before, 16, "one call per Ledger for a whole page: {path}");
    }
    // A cursor is good for its order alone.
    expect(&api.get(&format!("/v1/campaigns?sort=sent&limit=1&cursor={cursor}")), 400);

    let period = "from=2026-11-01T18:30:00Z&to=2026-11-03T18:30:00Z";
    let by = |group: &str| get(&api, &format!("/v1/performance?{period}&group_by={group}"));
    let campaigns = by("campaign");
    let row = |n: usize| (campaigns["data"][n]["campaign"].clone(), campaigns["data"][n]["sent"].clone());
    assert_eq!([row(0), row(1)], [(json!("spring"), json!(6)), (json!("autumn"), json!(1))], "{campaigns}");
    assert_eq!(campaigns["data"][0]["roi"], json!({"EUR": 149.9 / 0.3}), "{campaigns}");
    assert_eq!(campaigns["total"]["cost"]["total"], json!({"EUR": "0.30", "GBP": "1.00"}), "{campaigns}");
    let tags = by("tag");
    let tags: BTreeMap<String, u64> = tags["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["tag"].as_str().unwrap().to_owned(), row["sent"].as_u64().unwrap()))
        .collect();
    assert_eq!(tags, BTreeMap::from([("x".to_owned(), 6), ("y".to_owned(), 7)]));
    assert_eq!(by("step")["data"].as_array().unwrap().len(), 3);
    let days = by("day");
    let day = |n: usize| (days["data"][n]["day"].clone(), days["data"][n]["sent"].clone());
    assert_eq!([day(0), day(1)], [(json!("2026-11-02"), json!(7)), (json!("2026-11-03"), json!(0))], "{days}");
    for period in ["last_7_days", "last_30_days", "this_month", "last_month"] {
        let answer = get(&api, &format!("/v1/performance?period={period}&timezone=Asia/Kathmandu&campaign=spring"));
        assert!(answer["from"].as_str().unwrap().ends_with("T18:15:00.000Z"), "{answer}");
    }

    let usage = get(&api, "/v1/usage?month=2026-11");
    assert_eq!((&usage["used"], &usage["remaining"], &usage["conversations"]), (&json!(6), &json!(4), &json!(6)), "{usage}");
    assert_eq!(usage["by_country"]["GB"], json!({"conversations": 1, "messages_delivered": 1, "billable": 1}), "{usage}");
    assert_eq!(usage["by_category"]["marketing"]["messages_delivered"], json!(6), "{usage}");
    let overall = get(&api, "/v1/overall?month=2026-11");
    assert_eq!((&overall["messages"], &overall["conversations"]), (&json!(7), &json!(6)), "{overall}");
    assert_eq!((&overall["why"][0]["reason"], &overall["why"][0]["count"]), (&json!("in_flight"), &json!(1)), "{overall}");
    assert_eq!(get(&api, "/v1/overall?month=2026-10")["messages"], json!(0));
}

#[test]
fn what_cannot_be_asked_is_told() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let bad = |path: &str| {
        let answer = api.get(path);
        expect(&answer, 400);
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty(), "{path}");
    };
    for query in [
        "stats?from=2026-11-02T09:20:00Z",
        "stats?from=2026-11-02T09:15:00Z&to=2026-11-02T09:00:00Z",
        "stats?basis=both",
        "stats?max_age=-1",
        "stats?colour=red",
        "links?from=yesterday",
        "steps?to=2026-11-02T09:15:00.001Z",
        "errors?stages=sent",
        "trend?granularity=minute",
        "trend?timezone=Mars/Olympus",
        "trend?from=2000-01-01T00:00:00Z&to=2026-01-01T00:00:00Z&granularity=hour",
        "trend?from=2026-11-02T09:20:00Z",
        "trend?basis=sent",
        "funnel?stages=sent,sent",
        "funnel?stages=accepted",
        "funnel?stages=",
        "experiment?step=a",
    ] {
        bad(&format!("/v1/campaigns/spring/{query}"));
    }
    for path in [
        "/v1/campaigns?sort=colour",
        "/v1/campaigns?created_from=today",
        "/v1/campaigns?limit=0",
        "/v1/performance?period=today",
        "/v1/performance?period=last_7_days&from=2026-11-02T00:00:00Z",
        "/v1/performance?group_by=week",
        "/v1/performance?timezone=Mars/Olympus",
        "/v1/performance?to=2026-11-02T00:00:00Z",
        "/v1/usage?month=2026-13",
        "/v1/usage?month=November",
        "/v1/overall?month=2026-1",
    ] {
        bad(path);
    }
    let answer = api.put("/v1/settings", json!({"timezone": "Mars/Olympus"}));
    expect(&answer, 400);
    assert_eq!(answer.json()["errors"][0]["pointer"], json!("/timezone"));
    for report in ["stats", "trend", "funnel", "links", "steps", "errors", "experiment"] {
        expect(&api.get(&format!("/v1/campaigns/summer/{report}")), 404);
        expect(&api.get(&format!("/v1/campaigns/_unattributed/{report}")), 200);
    }
    expect(&api.get("/v1/performance?campaign=summer"), 404);
}

/// Every hour, and every day, around changes of clocks: the worker's buckets are those of the zone database.
#[test]
fn the_runtimes_zones_are_those_of_the_zone_database() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let mut doubled = 0;
    for (zone, around) in [
        (Tz::Asia__Kolkata, vec!["2026-03-29T00:00:00Z"]),
        (Tz::Asia__Kathmandu, vec!["2026-03-29T00:00:00Z"]),
        (Tz::Pacific__Chatham, vec!["2026-04-04T14:00:00Z", "2026-09-26T14:00:00Z"]),
        (Tz::America__New_York, vec!["2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"]),
        (Tz::Europe__Berlin, vec!["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"]),
        (Tz::Australia__Lord_Howe, vec!["2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"]),
    ] {
        for around in around {
            let middle: DateTime<Utc> = around.parse().unwrap();
            let (from, to) = (middle - chrono::Duration::hours(36), middle + chrono::Duration::hours(36));
            for (granularity, format) in
                [("hour", "%Y-%m-%dT%H:00%:z"), ("day", "%Y-%m-%d"), ("week", "%G-W%V"), ("month", "%Y-%m")]
            {
                let mut expected: Vec<(String, String)> = Vec::new();
                let mut quarter = from;
                while quarter < to {
                    let period = zone.from_utc_datetime(&quarter.naive_utc()).format(format).to_string();
                    if expected.last().is_none_or(|(last, _)| *last != period) {
                        expected.push((period, quarter.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()));
                    }
                    quarter += chrono::Duration::minutes(15);
                }
                let path = format!(
                    "/v1/campaigns/spring/trend?granularity={granularity}&timezone={zone}&from={}&to={}",
                    from.format("%Y-%m-%dT%H:%M:%SZ"),
                    to.format("%Y-%m-%dT%H:%M:%SZ")
                );
                let answer = get(&api, &path);
                let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
                let rows = answer["data"].as_array().unwrap();
                let buckets: Vec<(String, String)> = rows.iter().map(|row| (text(row, "period"), text(row, "start"))).collect();
                assert_eq!(buckets, expected, "{zone}, {granularity} around {around}");
                let hours: Vec<&str> = buckets.iter().map(|(period, _)| &period[..13.min(period.len())]).collect();
                doubled += hours.windows(2).filter(|pair| granularity == "hour" && pair[0] == pair[1]).count();
            }
        }
    }
    // Chatham, New York, Berlin; Lord Howe's clock goes back by half an hour.
    assert!(doubled >= 3, "{doubled} doubled hours");
}

/// A reader who allows it gets what another isolate made a minute ago; nobody else does.
#[test]
fn an_answer_may_be_as_old_as_its_reader_allows() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    let sent = |answer: Answer| {
        expect(&answer, 200);
        answer.json()["messages"]["sent"].clone()
    };
    let path = "/v1/campaigns/spring/stats?max_age";
    assert_eq!(sent(api.get(&format!("{path}=60"))), json!(0));
    expect(&api.status(&callback_url, &status("wamid.a", "sent", "12025550142", AT_MS, "spring")), 200);
    assert_eq!(sent(api.get(&format!("{path}=60"))), json!(0));
    assert_eq!(sent(api.get(&format!("{path}=0"))), json!(1));
    assert_eq!(sent(api.get(&format!("{path}=60"))), json!(1), "what is newer is kept for everybody");
    // The definitions too are those of now.
    expect(&api.patch("/v1/campaigns/spring", json!({"audience_size": 7})), 200);
    assert_eq!(api.stats("spring")["gaps"][0]["count"], json!(6));
}

/// One eleventh is no text that is read as what it was written of: a page that begins behind it must not begin with it.
#[test]
fn pages_by_a_rate_show_each_campaign_once() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("meta");
    for (campaign, delivered) in [("a", 11), ("b", 11), ("c", 19)] {
        expect(&api.campaign(campaign, json!({})), 201);
        for n in 0..delivered {
            let word = if n == 0 { "read" } else { "delivered" };
            let status = status(&format!("{campaign}.{n}"), word, &format!("120255501{n:02}"), AT_MS, campaign);
            expect(&api.status(&callback_url, &status), 200);
        }
    }
    for (sort, order) in [("-read_rate", ["a", "b", "c"]), ("read_rate", ["c", "a", "b"])] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        while seen.len() < 5 {
            let page = api.get(&format!("/v1/campaigns?sort={sort}&limit=1&max_age=0{cursor}")).json();
            seen.push(page["data"][0]["campaign"].as_str().unwrap_or_default().to_owned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, order, "{sort}");
    }
}
