//! A client of the public HTTP API, with a key: what a sender, a shop, a dashboard and a provider would send.

use serde_json::Value;

use crate::http::{Answer, Http};
use crate::meta;

/// Speaks to one server. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    http: Http,
    url: String,
    key: String,
}

impl Client {
    /// `url` without a slash at its end; `key` as in `Authorization: Bearer`.
    #[must_use]
    pub fn new(url: &str, key: &str) -> Self {
        Self { http: Http::default(), url: url.trim_end_matches('/').to_owned(), key: key.to_owned() }
    }

    /// The same client with another key; with an empty one it sends none.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A call of the API; `path` begins with a slash. Without a body for `Value::Null`.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Result<Answer, String> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.raw(method, path, &[("content-type", "application/json")], &body)
    }

    /// A call with headers and a body of one's own, beside the key.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, String> {
        let bearer = format!("Bearer {}", self.key);
        let mut headers = headers.to_vec();
        if !self.key.is_empty() {
            headers.push(("authorization", &bearer));
        }
        self.http.send(method, &format!("{}{path}", self.url), &headers, body)
    }

    /// A callback as Meta sends it: signed with the app secret, without a key. The URL is the channel's `callback_url`.
    pub fn callback(&self, callback_url: &str, secret: &str, body: &[u8]) -> Result<Answer, String> {
        let signature = meta::signature(secret, body);
        let headers = [("content-type", "application/json"), ("x-hub-signature-256", signature.as_str())];
        self.http.send("POST", callback_url, &headers, body)
    }

    /// A person's tap on a tracking URL. An empty user agent sends none.
    pub fn tap(&self, tracking_url: &str, user_agent: &str) -> Result<Answer, String> {
        let headers = [("user-agent", user_agent)];
        let headers = if user_agent.is_empty() { &[][..] } else { &headers[..] };
        self.http.send("GET", tracking_url, headers, &[])
    }
}
