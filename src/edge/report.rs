//! What the parts of the edge tell the driver, and what the driver tells the host.

use alloc::string::String;
use alloc::vec::Vec;

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::RefCell;

use wasm_bindgen::prelude::*;

use super::metadata::Fields;
use super::value::Arg::{Js, Number, Text};
use super::value::{list, object, set};
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
    Response { status: u16, retry_after: Option<String>, authorized: bool },
    NetworkError,
    AuthFailed,
}

/// The driver works it off after each call and each callback.
#[derive(Clone, Debug, Default)]
pub struct Queue(Rc<RefCell<VecDeque<Report>>>);

impl Queue {
    pub fn push(&self, report: Report) {
        self.0.borrow_mut().push_back(report);
    }

    pub fn extend(&self, commands: Vec<Command>) {
        commands.into_iter().for_each(|command| self.push(Report::Command(command)));
    }

    pub fn pop(&self) -> Option<Report> {
        self.0.borrow_mut().pop_front()
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
    let told = object(&[("code", Text(code)), ("message", Text(message))]);
    if !field.is_empty() {
        set(&told, "field", Text(field));
    }
    told
}

pub fn config_object(report: &ConfigReport) -> JsValue {
    let changed: Vec<_> = report.changed.iter().map(|path| Text(path)).collect();
    let rejected = report.rejected.iter();
    let rejected = rejected.map(|(p, r)| object(&[("path", Text(p)), ("reason", Text(r))]));
    let rejected: Vec<_> = rejected.collect();
    let rejected: Vec<_> = rejected.iter().map(Js).collect();
    object(&[("changed", Js(&list(&changed))), ("rejected", Js(&list(&rejected)))])
}

pub fn flush_object(report: &FlushReport) -> JsValue {
    let timed_out = JsValue::from(report.timed_out);
    object(&[
        ("delivered", Number(report.delivered as f64)),
        ("dropped", Number(report.dropped as f64)),
        ("queued", Number(report.queued as f64)),
        ("inFlight", Number(report.in_flight as f64)),
        ("stored", Number(report.stored as f64)),
        ("timedOut", Js(&timed_out)),
    ])
}
