//! The tests' client: every call answers or fails the test with what was asked and what came.

use bluetick_dev::{Answer, Client, Options, Server, meta};
use serde_json::{Value, json};

/// The business number that every test's callbacks come from.
pub const SENDER: &str = "106540352242922";
/// The app secret of every test's channel.
pub const SECRET: &str = "an app secret of the tests";

/// A server of the test's own.
pub fn server() -> Server {
    Server::start(Options::default()).unwrap()
}

/// Calls with a key; panics where there is no answer.
#[derive(Clone)]
pub struct Api(pub Client);

impl Api {
    pub fn of(server: &Server) -> Self {
        Self(Client::new(&server.url(), server.admin_key()))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null)
    }

    pub fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, &body)
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, &body)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &Value::Null)
    }

    pub fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.0.call(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Makes a channel of provider `meta` with [`SECRET`]; the answer is its callback URL.
    pub fn channel(&self, channel: &str) -> String {
        let answer = self.put(&format!("/v1/channels/{channel}"), json!({"provider": "meta", "secrets": [SECRET]}));
        expect(&answer, 201);
        answer.json()["callback_url"].as_str().expect("a callback URL").to_owned()
    }

    /// Declares a broadcast of templates with `more` members beside the needed ones.
    pub fn campaign(&self, campaign: &str, more: Value) -> Answer {
        let mut body = json!({"name": campaign, "type": "broadcast", "message_type": "template"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.put(&format!("/v1/campaigns/{campaign}"), body)
    }

    /// Sends a callback body, signed with [`SECRET`].
    pub fn callback(&self, callback_url: &str, body: &[u8]) -> Answer {
        self.0.callback(callback_url, SECRET, body).unwrap()
    }

    /// Sends one status, signed, in a callback of its own.
    pub fn status(&self, callback_url: &str, status: &meta::Status) -> Answer {
        self.callback(callback_url, &meta::one_status(SENDER, status))
    }

    /// What this isolate has counted under a name without labels.
    pub fn metric(&self, name: &str) -> u64 {
        let answer = self.get("/metrics");
        let line = answer.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
        line.expect("the metric") as u64
    }

    /// How often this isolate asked a Ledger.
    pub fn ledger_calls(&self) -> u64 {
        self.metric("bluetick_ledger_calls_total")
    }

    /// The campaign's numbers, with everything that was acknowledged before.
    pub fn stats(&self, campaign: &str) -> Value {
        let answer = self.get(&format!("/v1/campaigns/{campaign}/stats?max_age=0"));
        expect(&answer, 200);
        answer.json()
    }
}

/// Fails the test, with the answer in full, if its status is another.
#[track_caller]
pub fn expect(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
}
