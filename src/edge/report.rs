//! What the parts of the edge tell the driver, and what the driver tells the host.

use alloc::string::String;
use alloc::vec::Vec;

use alloc::rc::Rc;
use core::cell::RefCell;

use wasm_bindgen::prelude::*;

use super::metadata::Fields;
use super::value::{args, object, set, set_number, set_text};
use crate::core::config::ConfigReport;
use crate::core::io::{Command, Diagnostic, ExportId, FlushReport, OpId};
use crate::core::store::StoreResult;
use crate::core::time::UnixMillis;

/// What waits for the driver: the pipeline's commands, and what the parts of the edge tell.
#[derive(Debug)]
pub enum Report {
    /// The pipeline's, to be carried out.
    Command(Command),
    /// Operations may be asked of the store.
    StoreOpen,
    /// There will be no store; the text says why.
    NoStore(&'static str),
    /// A store operation's result.
    Stored(OpId, StoreResult),
    /// A request's outcome.
    Exported(ExportId, Answer),
    /// An event that waited for `enrich`: the call's time, its name, its fields.
    Enriched(UnixMillis, String, Fields),
    /// For the host's developer.
    Diagnose(Diagnostic),
}

/// How a request ended.
#[derive(Debug)]
pub enum Answer {
    /// The server answered.
    Response {
        /// HTTP's status code; 302 for a redirect that was not followed.
        status: u16,
        /// The `Retry-After` header's text.
        retry_after: Option<String>,
        /// Whether the request carried an Authorization header.
        authorized: bool,
        /// The `Content-Type` of what follows.
        kind: String,
        /// The body, as far as it was read.
        content: Vec<u8>,
    },
    /// A 2xx, whose body is still to come.
    Accepted,
    /// No answer.
    NetworkError,
    /// The host's `auth` threw or rejected.
    AuthFailed,
}

/// The driver works it off after each call and each callback.
#[derive(Clone, Debug, Default)]
pub struct Queue(Rc<RefCell<Vec<Report>>>);

impl Queue {
    /// Puts it behind all others.
    pub fn push(&self, report: Report) {
        self.0.borrow_mut().push(report);
    }

    pub(super) fn extend(&self, commands: Vec<Command>) {
        commands.into_iter().for_each(|command| self.push(Report::Command(command)));
    }

    /// The one that waits longest.
    pub fn pop(&self) -> Option<Report> {
        let mut reports = self.0.borrow_mut();
        // Few wait at a time.
        (!reports.is_empty()).then(|| reports.remove(0))
    }

    pub(super) fn diagnose(&self, code: &'static str, field: &str, message: &[&str]) {
        self.push(Report::Diagnose(diagnostic(code, field, message)));
    }
}

pub(super) fn diagnostic(code: &'static str, field: &str, message: &[&str]) -> Diagnostic {
    Diagnostic { code, message: message.concat(), field: String::from(field) }
}

pub(super) fn diagnostic_object(diagnostic: &Diagnostic) -> JsValue {
    let Diagnostic { code, message, field } = diagnostic;
    let told = object();
    set_text(&told, "code", code);
    set_text(&told, "message", message);
    if !field.is_empty() {
        set_text(&told, "field", field);
    }
    told
}

pub(super) fn config_object(report: &ConfigReport) -> JsValue {
    let mut changed = args();
    for path in &report.changed {
        changed = changed.text(path);
    }
    let mut rejected = args();
    for (path, reason) in &report.rejected {
        let told = object();
        set_text(&told, "path", path);
        set_text(&told, "reason", reason);
        rejected = rejected.js(&told);
    }
    let told = object();
    set(&told, "changed", &changed);
    set(&told, "rejected", &rejected);
    told
}

pub(super) fn flush_object(report: &FlushReport) -> JsValue {
    let told = object();
    set_number(&told, "delivered", report.delivered as f64);
    set_number(&told, "dropped", report.dropped as f64);
    set_number(&told, "queued", report.queued as f64);
    set_number(&told, "inFlight", report.in_flight as f64);
    set_number(&told, "stored", report.stored as f64);
    set(&told, "timedOut", &report.timed_out.into());
    told
}
