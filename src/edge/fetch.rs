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
use super::value::{
    self, TEXT_UNITS, args, call, construct, get, global_get, invoke, invoke_global, set, set_text,
};
use crate::core::format::Format;
use crate::core::gzip::GZIP_MIN;
use crate::core::io::{Export, ExportId};
use crate::core::json::write_text;
use crate::core::text::{consists_of, utf16_units};
use crate::core::time::Millis;

/// All requests with `keepalive` that a page has in flight share so many bytes.
const KEEPALIVE_BYTES: usize = 65_536;
/// An answer's body is read to its end, for what OTLP says in it and so that the connection can serve
/// again, but no further, and no longer, than this.
const BODY_BYTES: u64 = 65_536;
const BODY_MILLIS: u64 = 10_000;
/// The body decides on some, the connection on the others: with one of those Node's `fetch` refuses
/// every request.
const OWN_HEADERS: [&str; 8] = [
    "content-type",
    "content-encoding",
    "content-length",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
    "expect",
];
/// Of a header that is read.
const HEADER_UNITS: u32 = 128;

pub struct Exporter {
    /// What `fetch` is given with each request, as JSON.
    init: String,
    auth: JsValue,
    /// Whether the bodies of answers count.
    otlp: bool,
    compresses: bool,
    /// Compresses with less work than a CompressionStream, where the platform has such.
    zlib: JsValue,
    /// What `auth` gave last: a page that goes away can't wait for an answer.
    authorization: RefCell<Option<String>>,
    flights: RefCell<Vec<Flight>>,
    bodies: RefCell<Vec<Body>>,
    last_body: Cell<u32>,
    callbacks: Callbacks,
    queue: Queue,
}

/// A request on its way.
#[derive(Clone)]
struct Flight {
    id: ExportId,
    /// What `fetch` is given; in it, and ignored there, `url` and `controller`.
    init: JsValue,
    keepalive: bool,
    bytes: usize,
}

/// An answer's body that is being read.
struct Body {
    id: u32,
    reader: JsValue,
    bytes: u64,
    until: Millis,
    /// What is reported when it ends; without that it is read to be let go.
    waiting: Option<(ExportId, Answer)>,
}

impl Exporter {
    /// Events go to [`Exporter::happened`].
    pub fn new(
        options: &Options<'_>,
        format: Format,
        compresses: bool,
        callbacks: &Callbacks,
        queue: &Queue,
    ) -> Self {
        let (init, auth) = (read_init(options, format), options.function("auth"));
        let zlib = get(options.host, "gzip");
        Self {
            init,
            auth,
            otlp: format.is_otlp(),
            compresses,
            zlib,
            authorization: RefCell::default(),
            flights: RefCell::default(),
            bodies: RefCell::default(),
            last_body: Cell::default(),
            callbacks: callbacks.clone(),
            queue: queue.clone(),
        }
    }

    /// Reports `Exported`, once, later or at once, unless the request is cancelled.
    pub fn start(&self, export: &Export) {
        let Export { id, ref url, ref body, compressed, authorize, keepalive } = *export;
        let init = value::parse_json(&self.init);
        let controller = construct("AbortController", args());
        set_text(&init, "url", url);
        set(&init, "controller", &controller);
        set(&init, "signal", &get(&controller, "signal"));
        set(&init, "body", &value::octets(body));
        set(&init, "keepalive", &keepalive.into());
        if compressed {
            set_text(&get(&init, "headers"), "Content-Encoding", "gzip");
        }
        let bytes = body.len();
        self.flights.borrow_mut().push(Flight { id, init, keepalive, bytes });
        if !authorize || !self.auth.is_function() {
            return self.compress(id);
        }
        let known = self.authorization.borrow().clone();
        if keepalive && known.is_some() {
            return self.authorized(id, known);
        }
        match call(&self.auth, &JsValue::UNDEFINED, args()) {
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
            invoke(&get(&flight.init, "controller"), "abort", args());
        }
    }

    /// Whether a request is under way.
    pub fn is_busy(&self) -> bool {
        !self.flights.borrow().is_empty()
    }

    /// How many bytes may still be sent with `keepalive`.
    pub fn keepalive_room(&self) -> u32 {
        let flights = self.flights.borrow();
        let used = flights.iter().filter(|flight| flight.keepalive).map(|flight| flight.bytes);
        KEEPALIVE_BYTES.saturating_sub(used.sum()) as u32
    }

    pub fn wake_at(&self) -> Millis {
        let bodies = self.bodies.borrow();
        bodies.iter().map(|body| body.until).min().unwrap_or(Millis::FAR)
    }

    pub fn wake(&self, now: Millis) {
        self.let_go(now);
    }

    pub fn happened(&self, event: Event, id: u32, value: &JsValue) {
        let export = ExportId(id);
        match event {
            Event::Authorized => self.authorize(export, value),
            Event::NotAuthorized => self.not_authorized(export, "threw or rejected"),
            Event::Compressed => {
                if let Some(flight) = self.find(export) {
                    set(&flight.init, "body", value);
                    set_text(&get(&flight.init, "headers"), "Content-Encoding", "gzip");
                }
                self.send(export);
            }
            Event::NotCompressed => self.send(export),
            Event::Answered => self.answered(export, value),
            Event::Chunk => self.chunk(id, value),
            Event::NoChunk => self.report(self.take_body(id).and_then(|body| body.waiting)),
            _ => self.finish(export, Answer::NetworkError),
        }
    }

    fn authorize(&self, id: ExportId, given: &JsValue) {
        match value::text_within(given, u32::MAX) {
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
            set_text(&get(&flight.init, "headers"), "Authorization", text);
        }
        self.authorization.replace(authorization);
        self.compress(id);
    }

    fn compress(&self, id: ExportId) {
        let Some(flight) = self.find(id) else { return };
        if self.compresses && !flight.keepalive && flight.bytes > GZIP_MIN {
            let compressed = self.gzip(&get(&flight.init, "body"));
            if compressed.is_object() {
                let events = [Event::Compressed, Event::NotCompressed];
                return self.settle(&compressed, events, id.0);
            }
        }
        self.send(id);
    }

    /// A promise of the body, compressed; `undefined` where that can't be had.
    fn gzip(&self, body: &JsValue) -> JsValue {
        if !global_get("CompressionStream").is_function() {
            return JsValue::UNDEFINED;
        }
        if self.zlib.is_function() {
            return call(&self.zlib, &JsValue::UNDEFINED, args().js(body)).unwrap_or_default();
        }
        let compressor = construct("CompressionStream", args().text("gzip"));
        let stream = get(&construct("Response", args().js(body)), "body");
        let stream = invoke(&stream, "pipeThrough", args().js(&compressor));
        if !stream.is_object() {
            return JsValue::UNDEFINED;
        }
        invoke(&construct("Response", args().js(&stream)), "arrayBuffer", args())
    }

    fn send(&self, id: ExportId) {
        let Some(Flight { init, .. }) = self.find(id) else {
            return;
        };
        // Without it, as where JSON is broken, `fetch` would ask for something else, and get it.
        let whole = init.is_object();
        let ask = || invoke_global("fetch", args().js(&get(&init, "url")).js(&init));
        let given = if whole { ask() } else { JsValue::UNDEFINED };
        if given.is_object() {
            self.settle(&given, [Event::Answered, Event::NotAnswered], id.0);
        } else {
            self.finish(id, Answer::NetworkError);
        }
    }

    fn answered(&self, id: ExportId, response: &JsValue) {
        if !self.otlp {
            // One is enough; with OTLP somebody may wait for it.
            self.let_go(Millis::FAR);
        }
        let header = |name| {
            let value = invoke(&get(response, "headers"), "get", args().text(name));
            value::text_within(&value, HEADER_UNITS)
        };
        let redirected = value::is_text(&get(response, "type"), "opaqueredirect");
        let status = value::whole(&get(response, "status"), 999).filter(|status| *status >= 100);
        let status = if redirected { Some(302) } else { status };
        let answer = match (self.find(id), status) {
            (Some(flight), Some(status)) => Answer::Response {
                status: status as u16,
                retry_after: header("retry-after"),
                authorized: get(&get(&flight.init, "headers"), "Authorization").is_string(),
                kind: header("content-type").unwrap_or_default(),
                content: Vec::new(),
            },
            _ => Answer::NetworkError,
        };
        let mut waiting = Some((id, answer));
        if !self.otlp || !matches!(status, Some(200..=299)) {
            self.report(waiting.take());
        } else if self.find(id).is_some() {
            self.queue.push(Report::Exported(id, Answer::Accepted));
        }
        let reader = invoke(&get(response, "body"), "getReader", args());
        if !reader.is_object() {
            return self.report(waiting);
        }
        let body = self.last_body.get().wrapping_add(1);
        self.last_body.set(body);
        let until = timer::now().mono.plus(BODY_MILLIS);
        self.read_on(Body { id: body, reader, bytes: 0, until, waiting });
    }

    fn read_on(&self, body: Body) {
        let (id, promise) = (body.id, invoke(&body.reader, "read", args()));
        self.bodies.borrow_mut().push(body);
        self.settle(&promise, [Event::Chunk, Event::NoChunk], id);
    }

    fn chunk(&self, id: u32, chunk: &JsValue) {
        let Some(mut body) = self.take_body(id) else {
            return;
        };
        if get(chunk, "done").as_bool() != Some(false) {
            return self.report(body.waiting);
        }
        let value = get(chunk, "value");
        let length = value::whole(&get(&value, "byteLength"), BODY_BYTES);
        body.bytes += length.unwrap_or(BODY_BYTES).max(1);
        if body.bytes > BODY_BYTES {
            return self.cancel_body(body);
        }
        if let Some((_, Answer::Response { content, .. })) = &mut body.waiting {
            content.extend(value::bytes(&value).unwrap_or_default());
        }
        self.read_on(body);
    }

    fn take_body(&self, id: u32) -> Option<Body> {
        let mut bodies = self.bodies.borrow_mut();
        let index = bodies.iter().position(|body| body.id == id)?;
        Some(bodies.swap_remove(index))
    }

    /// Gives up the bodies whose time is over.
    pub fn let_go(&self, now: Millis) {
        loop {
            let mut bodies = self.bodies.borrow_mut();
            let Some(index) = bodies.iter().position(|body| body.until <= now) else { return };
            let body = bodies.swap_remove(index);
            drop(bodies);
            self.cancel_body(body);
        }
    }

    fn cancel_body(&self, body: Body) {
        // Nobody waits, but a rejection without a handler would be told to the host.
        let promise = invoke(&body.reader, "cancel", args());
        self.settle(&promise, [Event::NoChunk; 2], 0);
        self.report(body.waiting);
    }

    fn report(&self, waiting: Option<(ExportId, Answer)>) {
        if let Some((id, answer)) = waiting {
            self.finish(id, answer);
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

/// What all requests have: the host's headers are among it, without those that no request can carry or
/// that are ours to set.
fn read_init(options: &Options<'_>, format: Format) -> String {
    // A redirect could carry events to a host that nobody checked, and the page's path and query are
    // nobody's business.
    let mut init = Vec::from(
        br#"{"method":"POST","redirect":"manual","credentials":"omit","cache":"no-store","#
            .as_slice(),
    );
    init.extend_from_slice(br#""referrerPolicy":"strict-origin","headers":{"Content-Type":"#);
    write_text(&mut init, format.content_type());
    for (name, value) in options.object("headers").entries() {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let problem = match value {
            _ if !is_header_name(name) => "is not a header's name",
            _ if is("authorization") => "belongs to `auth`",
            _ if OWN_HEADERS.iter().any(|own| is(own)) => "is not the host's to set",
            Own::Text(text) if utf16_units(text) >= TEXT_UNITS as usize => {
                "must have less than 8,192 characters"
            }
            Own::Text(text) if is_header_value(text) => {
                init.push(b',');
                write_text(&mut init, name);
                init.push(b':');
                write_text(&mut init, text);
                continue;
            }
            _ => "must have text without line breaks, in Latin-1",
        };
        options.reject(&["headers.", name].concat(), problem);
    }
    init.extend_from_slice(b"}}");
    String::from_utf8(init).unwrap_or_default()
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && consists_of(name.as_bytes(), b"!#$%&'*+-.^_`|~")
}

fn is_header_value(value: &str) -> bool {
    value.chars().all(|c| matches!(c, '\t' | ' '..='~' | '\u{80}'..='\u{ff}'))
}
