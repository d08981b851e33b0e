//! Requests and answers at the platform's boundary, with as few crossings into JavaScript as they need.

use js_sys::{ArrayBuffer, Object, Reflect, Uint8Array};
use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys;

use super::objects::within;
use crate::bounds::{BODY_BYTES, DRAINED_BYTES, STREAM_WRITE_MS};
use crate::problem::Problem;
use crate::route::Query;
use crate::table::{self, Format};

pub type Request = web_sys::Request;
pub type Response = web_sys::Response;

/// What the platform refused; it is answered with 500.
pub type Failure = worker::Error;

/// A header of the request, if it is there.
pub fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

/// The body's raw bytes.
///
/// # Errors
/// 413 beyond [`BODY_BYTES`]; 400 if the sender broke off.
pub async fn body(request: &Request) -> Result<Vec<u8>, Problem> {
    // A body with a length cannot be longer than it says: the quick way. One without, or with too much, is read bit by bit.
    let length = header(request, "content-length").and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length <= BODY_BYTES) {
        let promise = request.array_buffer().map_err(broken)?;
        let buffer: ArrayBuffer = JsFuture::from(promise).await.map_err(broken)?.unchecked_into();
        return Ok(Uint8Array::new(&buffer).to_vec());
    }
    let Some(stream) = request.body() else { return Ok(Vec::new()) };
    let reader: web_sys::ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let (mut bytes, mut read) = (Vec::new(), 0);
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(broken)?;
        let done = Reflect::get(&chunk, &"done".into()).map_err(broken)?.is_truthy();
        if done && read <= BODY_BYTES {
            return Ok(bytes);
        }
        if done || read > DRAINED_BYTES {
            // Not awaited: the answer need not wait until the sender notices.
            let _ = reader.cancel();
            return Err(Problem::too_large(format!("The body is larger than {BODY_BYTES} bytes.")));
        }
        let value: Uint8Array = Reflect::get(&chunk, &"value".into()).map_err(broken)?.unchecked_into();
        read += value.length() as usize;
        if read <= BODY_BYTES {
            bytes.extend(value.to_vec());
        } else {
            bytes = Vec::new();
        }
    }
}

fn broken(_: JsValue) -> Problem {
    Problem::bad("The body could not be read.")
}

/// An answer with headers and, if there is one, a body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: Option<&str>) -> Result<Response, Failure> {
    if status == 200 && headers.is_empty() {
        return Ok(Response::new_with_opt_str(body)?);
    }
    Ok(Response::new_with_opt_str_and_init(body, &head(status, headers)?)?)
}

/// An answer whose body is written bit by bit.
pub fn stream(headers: &[(&str, &str)]) -> Result<(Response, Stream), Failure> {
    let stream = web_sys::TransformStream::new()?;
    let writer = stream.writable().get_writer()?;
    let answer = Response::new_with_opt_readable_stream_and_init(Some(&stream.readable()), &head(200, headers)?)?;
    Ok((answer, Stream(writer)))
}

/// The body of an answer that is under way. Dropped without [`Stream::end`], its reader waits for more.
pub struct Stream(web_sys::WritableStreamDefaultWriter);

impl Stream {
    /// Waits until the reader has taken the text; `false` if it has gone, or takes too long.
    pub async fn write(&self, text: &str) -> bool {
        let written = self.0.write_with_chunk(&Uint8Array::from(text.as_bytes()));
        matches!(within(JsFuture::from(written), STREAM_WRITE_MS).await, Ok(Ok(_)))
    }

    /// Cuts the answer off: its reader sees that it is not whole.
    pub async fn fail(self) {
        let _ = within(JsFuture::from(self.0.abort()), STREAM_WRITE_MS).await;
    }

    pub async fn end(self) {
        // A reader who has gone needs no end.
        let _ = within(JsFuture::from(self.0.close()), STREAM_WRITE_MS).await;
    }
}

fn head(status: u16, headers: &[(&str, &str)]) -> Result<web_sys::ResponseInit, Failure> {
    let init = web_sys::ResponseInit::new();
    init.set_status(status);
    if !headers.is_empty() {
        let all = Object::new();
        for (name, value) in headers {
            Reflect::set(&all, &(*name).into(), &(*value).into())?;
        }
        init.set_headers(&all);
    }
    Ok(init)
}

/// An answer in JSON.
pub fn json(status: u16, body: &str) -> Result<Response, Failure> {
    answer(status, &[("content-type", "application/json"), ("cache-control", "no-store")], Some(body))
}

/// As what a list is wanted.
///
/// # Errors
/// 400, if the parameter `format` names nothing that there is.
pub fn format(request: &Request, query: &Query) -> Result<Format, Problem> {
    Format::of(query.get("format"), &header(request, "accept").unwrap_or_default())
}

/// A list that is all there, as it is wanted.
pub fn listed(format: Format, list: &Value) -> Result<Response, Failure> {
    answer(200, &[("content-type", format.content_type())], Some(&table::written(format, list)))
}

/// A problem answer.
pub fn problem(problem: &Problem) -> Result<Response, Failure> {
    let mut headers = vec![("content-type", "application/problem+json")];
    let retry_after = problem.retry_after_s.map(|seconds| seconds.to_string());
    if let Some(seconds) = &retry_after {
        headers.push(("retry-after", seconds));
    }
    if let Some(methods) = &problem.allow {
        headers.push(("allow", methods));
    }
    if problem.status == 401 {
        headers.push(("www-authenticate", "Bearer"));
    }
    answer(problem.status, &headers, Some(&problem.to_json()))
}
