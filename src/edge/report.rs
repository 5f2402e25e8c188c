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
    Command(Command),
    StoreOpen,
    /// There will be no store; the text says why.
    NoStore(&'static str),
    Stored(OpId, StoreResult),
    Exported(ExportId, Answer),
    Enriched(UnixMillis, String, Fields),
    Diagnose(Diagnostic),
}

/// How a request ended.
#[derive(Debug)]
pub enum Answer {
    Response {
        status: u16,
        retry_after: Option<String>,
        authorized: bool,
        /// The `Content-Type` of what follows.
        kind: String,
        content: Vec<u8>,
    },
    Accepted,
    NetworkError,
    AuthFailed,
}

/// The driver works it off after each call and each callback.
#[derive(Clone, Debug, Default)]
pub struct Queue(Rc<RefCell<Vec<Report>>>);

impl Queue {
    pub fn push(&self, report: Report) {
        self.0.borrow_mut().push(report);
    }

    pub fn extend(&self, commands: Vec<Command>) {
        commands.into_iter().for_each(|command| self.push(Report::Command(command)));
    }

    pub fn pop(&self) -> Option<Report> {
        let mut reports = self.0.borrow_mut();
        // Few wait at a time.
        (!reports.is_empty()).then(|| reports.remove(0))
    }

    pub fn diagnose(&self, code: &'static str, field: &str, message: &[&str]) {
        self.push(Report::Diagnose(diagnostic(code, field, message)));
    }
}

pub fn diagnostic(code: &'static str, field: &str, message: &[&str]) -> Diagnostic {
    Diagnostic { code, message: message.concat(), field: String::from(field) }
}

pub fn diagnostic_object(diagnostic: &Diagnostic) -> JsValue {
    let Diagnostic { code, message, field } = diagnostic;
    let told = object();
    set_text(&told, "code", code);
    set_text(&told, "message", message);
    if !field.is_empty() {
        set_text(&told, "field", field);
    }
    told
}

pub fn config_object(report: &ConfigReport) -> JsValue {
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

pub fn flush_object(report: &FlushReport) -> JsValue {
    let told = object();
    set_number(&told, "delivered", report.delivered as f64);
    set_number(&told, "dropped", report.dropped as f64);
    set_number(&told, "queued", report.queued as f64);
    set_number(&told, "inFlight", report.in_flight as f64);
    set_number(&told, "stored", report.stored as f64);
    set(&told, "timedOut", &report.timed_out.into());
    told
}
