//! Problem answers (RFC 9457): what went wrong, in words that are safe to show.
//!
//! The texts name fields and rules, never a path, a query, a token, a body or a phone number. It knows nothing of how an
//! answer is sent.

use serde::{Deserialize, Serialize};

use crate::bounds::RETRY_AFTER_S;

/// One field of a body that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body; empty for the body itself.
    pub pointer: String,
    pub detail: String,
}

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub status: u16,
    pub detail: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Goes into `Retry-After`, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// Goes into `Allow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
}

impl Problem {
    #[must_use]
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), retry_after_s: None, allow: None }
    }

    /// 400: the query, or the body as a whole.
    #[must_use]
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    /// 400: fields of the body.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(400, "The body has fields that are not as they must be.") }
    }

    /// 401: no key, or none that is good. One text for unknown, revoked and malformed keys.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(401, "A valid key is needed: Authorization: Bearer …")
    }

    /// 403: the key is good, and not for this. One text, whether what was asked for is there or not.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(403, "This key does not open that.")
    }

    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, detail)
    }

    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, detail)
    }

    #[must_use]
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(413, detail)
    }

    /// 405, with the methods that the route has.
    #[must_use]
    pub fn method(allow: &str) -> Self {
        Self { allow: Some(allow.to_owned()), ..Self::new(405, "The route does not have this method.") }
    }

    /// 429: too much at once; the caller may come again.
    #[must_use]
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self { retry_after_s: Some(RETRY_AFTER_S), ..Self::new(429, detail) }
    }

    /// 503: nothing was refused for good; the caller may come again.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after_s: Some(RETRY_AFTER_S), ..Self::new(503, detail) }
    }

    /// The body of the answer, `application/problem+json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: &'static str,
            title: &'static str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldError],
        }
        serde_json::to_string(&Body {
            r#type: "about:blank",
            title: title(self.status),
            status: self.status,
            detail: &self.detail,
            errors: &self.errors,
        })
        .unwrap_or_default()
    }
}

/// The reason phrase of RFC 9110, as RFC 9457 wants for `about:blank`.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: &Problem, body: &str) {
        assert_eq!(problem.to_json(), body);
    }

    #[test]
    fn bodies_are_rfc_9457() {
        check(
            &Problem::not_found("No such campaign."),
            r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No such campaign."}"#,
        );
        check(
            &Problem::fields(vec![FieldError { pointer: "/name".to_owned(), detail: "is missing".to_owned() }]),
            concat!(
                r#"{"type":"about:blank","title":"Bad Request","status":400,"#,
                r#""detail":"The body has fields that are not as they must be.","#,
                r#""errors":[{"pointer":"/name","detail":"is missing"}]}"#
            ),
        );
    }

    #[test]
    fn what_may_come_again_says_when() {
        assert_eq!(Problem::unavailable("").retry_after_s, Some(RETRY_AFTER_S));
        assert_eq!(Problem::bad("").retry_after_s, None);
    }
}
