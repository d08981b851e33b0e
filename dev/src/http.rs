//! HTTP to a server on this machine, with JSON where there is JSON.
//!
//! Any status is an answer; only a connection that fails is an error. Redirects are answers too.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

/// Longer than any answer may take, so that a hang fails a test instead of stopping it.
const TIMEOUT: Duration = Duration::from_secs(30);
/// More than any answer of ours to a client of this size.
const BODY_LIMIT_BYTES: u64 = 64 << 20;

/// Connections to servers, kept open between requests. Clones share them.
#[derive(Clone)]
pub struct Http(Agent);

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Default for Http {
    fn default() -> Self {
        Self(Agent::new_with_config(
            Agent::config_builder()
                .timeout_global(Some(TIMEOUT))
                .http_status_as_error(false)
                .max_redirects(0)
                .proxy(None)
                .user_agent("")
                .build(),
        ))
    }
}

impl Http {
    /// Sends a request. The error is the connection's, in words.
    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = if body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE") {
            self.0.run(request.body(()).map_err(|error| error.to_string())?)
        } else {
            self.0.run(request.body(body).map_err(|error| error.to_string())?)
        };
        let (head, mut body) = answer.map_err(|error| error.to_string())?.into_parts();
        let body = body.with_config().limit(BODY_LIMIT_BYTES).read_to_vec().map_err(|error| error.to_string())?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}
