//! Requests: `fetch`, the host's headers and Authorization, compression.

use alloc::string::String;
use alloc::vec::Vec;

use core::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::callbacks::{Callbacks, Event};
use super::options::Options;
use super::own::Own;
use super::report::{Answer, Queue, Report};
use super::timer;
use super::value::Arg::{Js, Text};
use super::value::{self, call, construct, get, invoke, invoke_global, object, set};
use crate::core::io::{Export, ExportId};
use crate::core::time::Millis;

/// Smaller bodies are not worth compressing.
const GZIP_MIN: usize = 1_024;
/// All requests with `keepalive` that a page has in flight share so many bytes.
const KEEPALIVE_BYTES: usize = 65_536;
/// An answer's body is read to its end, so that the connection can serve again, but no further, and
/// no longer, than this.
const BODY_BYTES: u64 = 65_536;
const BODY_MILLIS: u64 = 10_000;
const RETRY_AFTER_UNITS: u32 = 128;

pub struct Exporter {
    headers: Vec<(String, String)>,
    auth: JsValue,
    /// What `auth` gave last: a page that goes away can't wait for an answer.
    authorization: RefCell<Option<String>>,
    flights: RefCell<Vec<Flight>>,
    body: RefCell<Option<Body>>,
    bodies: Cell<u32>,
    callbacks: Callbacks,
    queue: Queue,
}

/// A request on its way.
#[derive(Clone)]
struct Flight {
    id: ExportId,
    url: JsValue,
    /// What `fetch` is given beside the address.
    init: JsValue,
    headers: JsValue,
    controller: JsValue,
    keepalive: bool,
    bytes: usize,
}

/// An answer's body that is read to be let go.
struct Body {
    id: u32,
    reader: JsValue,
    bytes: u64,
    until: Millis,
}

impl Exporter {
    /// Events go to [`Exporter::happened`].
    pub fn new(options: &Options<'_>, callbacks: &Callbacks, queue: &Queue) -> Self {
        let (headers, auth) = (read_headers(options), options.function("auth"));
        let (authorization, flights, body, bodies) = Default::default();
        let (callbacks, queue) = (callbacks.clone(), queue.clone());
        Self { headers, auth, authorization, flights, body, bodies, callbacks, queue }
    }

    /// Reports `Exported`, once, later or at once, unless the request is cancelled.
    pub fn start(&self, export: &Export) {
        let Export { id, ref url, ref body, authorize, keepalive } = *export;
        let headers = object(&[("Content-Type", Text("application/json"))]);
        for (name, value) in &self.headers {
            set(&headers, name, Text(value));
        }
        let controller = construct("AbortController", &[]).unwrap_or_default();
        let init = object(&[
            ("method", Text("POST")),
            ("headers", Js(&headers)),
            ("body", Js(&value::octets(body))),
            // A redirect could carry events to a host that nobody checked.
            ("redirect", Text("manual")),
            ("credentials", Text("omit")),
            ("cache", Text("no-store")),
            // The page's path and query are nobody's business.
            ("referrerPolicy", Text("strict-origin")),
            ("keepalive", Js(&keepalive.into())),
            ("signal", Js(&get(&controller, "signal"))),
        ]);
        let url = JsValue::from_str(url);
        let bytes = body.len();
        let flight = Flight { id, url, init, headers, controller, keepalive, bytes };
        self.flights.borrow_mut().push(flight);
        if !authorize || !self.auth.is_function() {
            return self.compress(id);
        }
        let known = self.authorization.borrow().clone();
        if keepalive && known.is_some() {
            return self.authorized(id, known);
        }
        match call(&self.auth, &JsValue::UNDEFINED, &[]) {
            Err(_) => self.not_authorized(id, "threw or rejected"),
            Ok(promise) if value::is_thenable(&promise) => {
                self.settle(&promise, [Event::Authorized, Event::NotAuthorized], id.0);
                if keepalive {
                    self.finish(id, Answer::AuthFailed);
                }
            }
            Ok(given) => self.authorize(id, &given),
        }
    }

    /// Nothing is reported of the request any more.
    pub fn cancel(&self, id: ExportId) {
        if let Some(flight) = self.take(id) {
            invoke(&flight.controller, "abort", &[]);
        }
    }

    /// How many bytes may still be sent with `keepalive`.
    pub fn keepalive_room(&self) -> u32 {
        let flights = self.flights.borrow();
        let used = flights.iter().filter(|flight| flight.keepalive).map(|flight| flight.bytes);
        KEEPALIVE_BYTES.saturating_sub(used.sum()) as u32
    }

    pub fn wake_at(&self) -> Option<Millis> {
        self.body.borrow().as_ref().map(|body| body.until)
    }

    pub fn wake(&self, now: Millis) {
        if self.wake_at().is_some_and(|until| until <= now) {
            self.let_go();
        }
    }

    pub fn happened(&self, event: Event, id: u32, value: &JsValue) {
        let export = ExportId(id);
        match event {
            Event::Authorized => self.authorize(export, value),
            Event::NotAuthorized => self.not_authorized(export, "threw or rejected"),
            Event::Compressed => {
                if let Some(flight) = self.find(export) {
                    set(&flight.init, "body", Js(value));
                    set(&flight.headers, "Content-Encoding", Text("gzip"));
                }
                self.send(export);
            }
            Event::NotCompressed => self.send(export),
            Event::Answered => self.answered(export, value),
            Event::Chunk => self.chunk(id, value),
            Event::NoChunk => drop(self.take_body(id)),
            _ => self.finish(export, Answer::NetworkError),
        }
    }

    fn authorize(&self, id: ExportId, given: &JsValue) {
        match given.as_string() {
            Some(text) if !is_header_value(&text) => {
                self.not_authorized(id, "gave something that no header can hold");
            }
            Some(text) if !text.is_empty() => self.authorized(id, Some(text)),
            None if !given.is_undefined() && !given.is_null() => {
                self.not_authorized(id, "gave something that is no text");
            }
            _ => self.authorized(id, None),
        }
    }

    fn not_authorized(&self, id: ExportId, why: &str) {
        // What it threw is not told: it may hold the very secret.
        self.queue.diagnose("auth_failed", "auth", &["auth ", why, "; it is asked again later"]);
        self.finish(id, Answer::AuthFailed);
    }

    fn authorized(&self, id: ExportId, authorization: Option<String>) {
        if let (Some(flight), Some(text)) = (self.find(id), &authorization) {
            set(&flight.headers, "Authorization", Text(text));
        }
        self.authorization.replace(authorization);
        self.compress(id);
    }

    fn compress(&self, id: ExportId) {
        let Some(flight) = self.find(id) else { return };
        let compressed = if flight.keepalive || flight.bytes <= GZIP_MIN {
            None
        } else {
            gzip(&get(&flight.init, "body"))
        };
        match compressed {
            Some(promise) => {
                self.settle(&promise, [Event::Compressed, Event::NotCompressed], id.0);
            }
            None => self.send(id),
        }
    }

    fn send(&self, id: ExportId) {
        let Some(Flight { url, init, .. }) = self.find(id) else {
            return;
        };
        match invoke_global("fetch", &[Js(&url), Js(&init)]) {
            Some(promise) => self.settle(&promise, [Event::Answered, Event::NotAnswered], id.0),
            None => self.finish(id, Answer::NetworkError),
        }
    }

    fn answered(&self, id: ExportId, response: &JsValue) {
        self.let_go();
        self.read_body(&get(response, "body"));
        let Some(flight) = self.find(id) else { return };
        let authorized = get(&flight.headers, "Authorization").is_string();
        let redirected = value::is_text(&get(response, "type"), "opaqueredirect");
        let status = value::whole(&get(response, "status"), 999).filter(|status| *status >= 100);
        let answer = match status {
            _ if redirected => Answer::Response { status: 302, retry_after: None, authorized },
            Some(status) => {
                let header = [Text("retry-after")];
                let retry_after = invoke(&get(response, "headers"), "get", &header);
                let retry_after =
                    retry_after.and_then(|text| value::text_within(&text, RETRY_AFTER_UNITS));
                Answer::Response { status: status as u16, retry_after, authorized }
            }
            None => Answer::NetworkError,
        };
        self.finish(id, answer);
    }

    /// Reads an answer's body to its end.
    fn read_body(&self, body: &JsValue) {
        let Some(reader) = invoke(body, "getReader", &[]) else {
            return;
        };
        let id = self.bodies.get().wrapping_add(1);
        self.bodies.set(id);
        let until = timer::now().mono.plus(BODY_MILLIS);
        self.read_on(Body { id, reader, bytes: 0, until });
    }

    fn read_on(&self, body: Body) {
        let (id, promise) = (body.id, invoke(&body.reader, "read", &[]));
        self.body.replace(Some(body));
        self.settle(&promise.unwrap_or_default(), [Event::Chunk, Event::NoChunk], id);
    }

    fn chunk(&self, id: u32, chunk: &JsValue) {
        let Some(mut body) = self.take_body(id) else {
            return;
        };
        if get(chunk, "done").as_bool() != Some(false) {
            return;
        }
        let length = value::whole(&get(&get(chunk, "value"), "byteLength"), BODY_BYTES);
        body.bytes += length.unwrap_or(BODY_BYTES).max(1);
        let enough = body.bytes > BODY_BYTES;
        self.read_on(body);
        if enough {
            self.let_go();
        }
    }

    fn take_body(&self, id: u32) -> Option<Body> {
        self.body.borrow_mut().take_if(|body| body.id == id)
    }

    /// Gives up the body that is read, if there is one.
    pub fn let_go(&self) {
        let body = self.body.take();
        let promise = body.and_then(|body| invoke(&body.reader, "cancel", &[]));
        if let Some(promise) = promise {
            // Nobody waits, but a rejection without a handler would be told to the host.
            self.settle(&promise, [Event::NoChunk; 2], 0);
        }
    }

    fn settle(&self, promise: &JsValue, events: [Event; 2], id: u32) {
        if !value::settle(promise, &self.callbacks, events, id) {
            self.happened(events[1], id, &JsValue::UNDEFINED);
        }
    }

    fn find(&self, id: ExportId) -> Option<Flight> {
        self.flights.borrow().iter().find(|flight| flight.id == id).cloned()
    }

    fn take(&self, id: ExportId) -> Option<Flight> {
        let mut flights = self.flights.borrow_mut();
        let index = flights.iter().position(|flight| flight.id == id)?;
        Some(flights.swap_remove(index))
    }

    fn finish(&self, id: ExportId, answer: Answer) {
        if self.take(id).is_some() {
            self.queue.push(Report::Exported(id, answer));
        }
    }
}

/// A promise of the body, compressed; `None` where that can't be had.
fn gzip(body: &JsValue) -> Option<JsValue> {
    let compressor = construct("CompressionStream", &[Text("gzip")])?;
    let stream = get(&construct("Response", &[Js(body)])?, "body");
    let stream = invoke(&stream, "pipeThrough", &[Js(&compressor)])?;
    invoke(&construct("Response", &[Js(&stream)])?, "arrayBuffer", &[])
}

/// The host's headers, without those that no request can carry or that are ours to set.
fn read_headers(options: &Options<'_>) -> Vec<(String, String)> {
    let mut good = Vec::new();
    for (name, value) in options.object("headers").entries() {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let problem = match value {
            _ if !is_header_name(name) => "is not a header's name",
            _ if is("authorization") => "belongs to `auth`",
            _ if is("content-type") || is("content-encoding") || is("content-length") => {
                "is not the host's to set"
            }
            Own::Text(text) if is_header_value(text) => {
                good.push((name.clone(), text.clone()));
                continue;
            }
            _ => "must have text without line breaks, in Latin-1",
        };
        options.reject(&["headers.", name].concat(), problem);
    }
    good
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_header_value(value: &str) -> bool {
    value.chars().all(|c| matches!(c, '\t' | ' '..='~' | '\u{80}'..='\u{ff}'))
}
