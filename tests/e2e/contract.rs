//! The description of the HTTP API, held against real answers: every operation that is described is called, most with the example
//! that stands beside it, and its answer must be one of those that are described, in status, type and schema.

use std::collections::BTreeMap;

use bluetick_dev::{Answer, openapi};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::client::{Api, SECRET, expect, server};

/// The description, ready to judge.
struct Contract {
    api: Value,
    validators: BTreeMap<String, Validator>,
}

impl Contract {
    fn read() -> Self {
        Self { api: openapi::read().unwrap(), validators: BTreeMap::new() }
    }

    /// What stands at a reference, or the value itself.
    fn at<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.api.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("no {reference}")),
            None => value,
        }
    }

    /// Every operation under `/v1/`: method, path, and what is said of it.
    fn operations(&self) -> Vec<(String, String, Map<String, Value>)> {
        let mut operations = Vec::new();
        for (path, item) in self.api["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v1/")) {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
                operations.push((method.to_uppercase(), path.clone(), operation.as_object().unwrap().clone()));
            }
        }
        operations
    }

    /// Fails the test unless the answer is as described.
    fn judge(&mut self, method: &str, path: &str, answer: &Answer) {
        let of = format!("{method} {path}: {} {}", answer.status, answer.text());
        let operation = &self.api["paths"][path][method.to_lowercase()];
        let response = &operation["responses"][answer.status.to_string()];
        assert!(!response.is_null(), "a status that is not described: {of}");
        let response = self.at(response);
        let content_type = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
        let Some(content) = response["content"].as_object() else {
            return assert!(answer.body.is_empty(), "a body that is not described: {of}");
        };
        let schema = content.get(&content_type).unwrap_or_else(|| panic!("a type that is not described, {content_type}: {of}"));
        if !content_type.ends_with("json") || content_type.ends_with("ndjson") {
            return;
        }
        let mut schema = schema["schema"].clone();
        // References lead to the whole description.
        schema["components"] = self.api["components"].clone();
        let validator = self.validators.entry(schema.to_string()).or_insert_with(|| {
            jsonschema::draft202012::options()
                .should_validate_formats(true)
                .build(&schema)
                .unwrap_or_else(|error| panic!("{of}: {error}"))
        });
        let errors: Vec<String> =
            validator.iter_errors(&answer.json()).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{of}");
    }
}

#[test]
fn every_answer_is_as_described() {
    let server = server();
    let api = Api::of(&server);
    let mut contract = Contract::read();
    let operations = contract.operations();
    let channel = json!({"provider": "meta", "secrets": [SECRET], "verify_token": "a word"});
    let callback_url = api.put("/v1/channels/meta", channel).json()["callback_url"].as_str().unwrap().to_owned();
    let callback = callback_url.strip_prefix(&server.url()).unwrap().to_owned();
    let declaration = &contract.api["paths"]["/v1/campaigns/{campaign}"]["put"]["requestBody"]["content"]["application/json"];
    expect(&api.put("/v1/campaigns/diwali", declaration["example"].clone()), 201);
    let link = api.post("/v1/links", json!({"campaign": "diwali", "url": "https://shop.example/sale"})).json();

    // What providers, persons and operators call.
    for (path, asked) in [("/healthz", "/healthz"), ("/metrics", "/metrics"), ("/openapi.json", "/openapi.json")] {
        contract.judge("GET", path, &api.get(asked));
    }
    let shake = format!("{callback}?hub.mode=subscribe&hub.verify_token=a%20word&hub.challenge=1");
    contract.judge("GET", "/cb/{channel}/{token}", &api.get(&shake));
    contract.judge("GET", "/cb/{channel}/{token}", &api.get(&callback));
    contract.judge("POST", "/cb/{channel}/{token}", &api.callback(&callback_url, b"{}"));
    contract.judge("POST", "/cb/{channel}/{token}", &api.0.callback(&callback_url, "another", b"{}").unwrap());
    let tap = link["tracking_url"].as_str().unwrap().strip_prefix(&server.url()).unwrap().to_owned();
    for method in ["GET", "HEAD"] {
        contract.judge(method, "/c/{token}", &api.call(method, &tap, &Value::Null));
        contract.judge(method, "/c/{token}", &api.call(method, "/c/invented", &Value::Null));
    }

    // Everything under /v1/, in an order in which what is asked for is there: what makes, what reads, what takes away.
    let order = |method: &str, path: &str| match (method, path) {
        ("PUT", _) => 0,
        ("DELETE", _) => 5,
        ("POST", path) if path.ends_with("/erase") => 4,
        ("POST", _) => 1,
        _ => 2,
    };
    let mut operations: Vec<_> =
        operations.into_iter().map(|(method, path, said)| (order(&method, &path), method, path, said)).collect();
    operations.sort_by(|a, b| (a.0, &a.2).cmp(&(b.0, &b.2)));
    let letter = |shelf: &str| api.get(&format!("/v1/{shelf}?channel=meta")).json()["data"][0]["id"].as_str().unwrap().to_owned();
    let mut ids: BTreeMap<&str, String> = BTreeMap::from([
        ("channel", "meta".to_owned()),
        ("campaign", "diwali".to_owned()),
        ("link", link["link"].as_str().unwrap().to_owned()),
        ("dead_letters", letter("dead_letters")),
        ("quarantine", letter("quarantine")),
    ]);
    let nobody = Api(api.0.with_key(""));
    let mut failed = Vec::new();
    for (_, method, path, said) in operations {
        let shelf = path.split('/').nth(2).unwrap_or_default().to_owned();
        let mut asked = path.clone();
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let id = ids.get(shelf.as_str()).or_else(|| ids.get(part)).unwrap_or_else(|| panic!("no id for {path}"));
            asked = asked.replace(&format!("{{{part}}}"), id);
        }
        let parameters = said.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
        let query: Vec<String> = parameters
            .iter()
            .map(|parameter| contract.at(parameter))
            .filter(|parameter| parameter["required"] == json!(true) || !parameter["example"].is_null())
            .map(|parameter| {
                let name = parameter["name"].as_str().unwrap();
                let example = parameter["example"].as_str().map(str::to_owned).or_else(|| ids.get(name).cloned());
                format!("{name}={}", example.unwrap_or_else(|| panic!("no example of {name} of {path}")).replace('+', "%2B"))
            })
            .collect();
        if !query.is_empty() {
            asked = format!("{asked}?{}", query.join("&"));
        }
        let body = said.get("requestBody").map_or(Value::Null, |body| body["content"]["application/json"]["example"].clone());
        // Without a key first.
        let refused = nobody.call(&method, &asked, &body);
        expect(&refused, 401);
        contract.judge(&method, &path, &refused);
        if path.ends_with("/live") {
            // It does not end; its own tests read it.
            continue;
        }
        let answer = api.call(&method, &asked, &body);
        if method == "POST" && answer.status == 201 {
            for (made, name) in [("keys", "keys"), ("shares", "share"), ("minting_keys", "minting_keys")] {
                if path.rsplit('/').next() == Some(made) {
                    let id = &answer.json()["id"];
                    ids.insert(name, id.as_str().map_or(id.to_string(), str::to_owned));
                }
            }
        }
        contract.judge(&method, &path, &answer);
        if method == "GET" && parameters.iter().any(|parameter| contract.at(parameter)["name"] == "format") {
            let rows = answer.json()["data"].as_array().unwrap_or_else(|| panic!("no rows: {asked}")).clone();
            let tables = ["csv", "ndjson"].map(|format| {
                let mark = if asked.contains('?') { '&' } else { '?' };
                let table = api.get(&format!("{asked}{mark}format={format}"));
                contract.judge(&method, &path, &table);
                expect(&table, 200);
                table.text()
            });
            let [csv, ndjson] = &tables;
            let lines: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines, rows, "{asked}: a table has other rows");
            assert_eq!(csv.matches("\r\n").count(), rows.len() + 1, "{asked}: {csv}");
        }
        // A quarantined body that is still badly signed stays where it is.
        if answer.status >= 300 && !path.ends_with("/quarantine/{letter}/replay") {
            failed.push(format!("{method} {asked}: {} {}", answer.status, answer.text()));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
