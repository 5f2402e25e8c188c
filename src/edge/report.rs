//! What the parts of the edge tell the driver, and what the driver tells the host.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::metadata::Fields;
use super::value::{self, object};
use crate::core::config::ConfigReport;
use crate::core::io::{Diagnostic, ExportId, FlushReport, OpId};
use crate::core::store::StoreResult;
use crate::core::time::UnixMillis;

/// What a part of the edge tells the driver.
#[derive(Debug)]
pub enum Report {
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

/// Where reports go. Whoever reports holds no lock, for the driver may call back at once.
pub type Sink = Rc<dyn Fn(Report)>;

pub fn diagnostic(code: &'static str, field: &str, message: &[&str]) -> Diagnostic {
    Diagnostic { code, message: message.concat(), field: String::from(field) }
}

pub fn diagnose(sink: &Sink, code: &'static str, field: &str, message: &[&str]) {
    sink(Report::Diagnose(diagnostic(code, field, message)));
}

pub fn diagnostic_object(diagnostic: &Diagnostic) -> JsValue {
    let told = object(&[
        ("code", &diagnostic.code.into()),
        ("message", &diagnostic.message.as_str().into()),
    ]);
    if !diagnostic.field.is_empty() {
        value::set(&told, "field", &diagnostic.field.as_str().into());
    }
    told
}

pub fn config_object(report: &ConfigReport) -> JsValue {
    let changed = Array::new();
    for path in &report.changed {
        changed.push(&path.into());
    }
    let rejected = Array::new();
    for (path, reason) in &report.rejected {
        rejected.push(&object(&[("path", &path.into()), ("reason", &reason.into())]));
    }
    object(&[("changed", &changed), ("rejected", &rejected)])
}

pub fn flush_object(report: &FlushReport) -> JsValue {
    let number = |count: u64| JsValue::from_f64(count as f64);
    object(&[
        ("delivered", &number(report.delivered)),
        ("dropped", &number(report.dropped)),
        ("queued", &number(report.queued)),
        ("inFlight", &number(report.in_flight)),
        ("stored", &number(report.stored)),
        ("timedOut", &report.timed_out.into()),
    ])
}
