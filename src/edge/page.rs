//! What a page or a worker tells of itself: that it goes away, comes back, or lost the network.
//! Never `unload` or `beforeunload`, which would keep the page out of the back/forward cache.

use alloc::string::String;
use alloc::vec;

use wasm_bindgen::prelude::*;

use super::callbacks::{Callbacks, Event};
use super::own::Own;
use super::value::{self, args, construct, get, global, global_get, invoke, is_text, object, set};

/// What is listened to, and whether a page's document has it.
static EVENTS: [(&str, Event, bool); 7] = [
    ("online", Event::Online, false),
    ("offline", Event::Offline, false),
    ("storage", Event::Storage, false),
    ("pagehide", Event::Hide, false),
    ("pageshow", Event::Show, false),
    ("visibilitychange", Event::Visibility, true),
    ("freeze", Event::Freeze, true),
];

/// Listens until the `AbortController` that is returned aborts. Where a scope has no such event, as in a
/// worker, it just never comes.
pub fn listen(callbacks: &Callbacks) -> JsValue {
    let controller = construct("AbortController", args());
    let options = object();
    set(&options, "signal", &get(&controller, "signal"));
    for (name, event, of_document) in &EVENTS {
        let target = if *of_document { global_get("document") } else { global() };
        let listener = args().text(name).js(&callbacks.get(*event, 0)).js(&options);
        invoke(&target, "addEventListener", listener);
    }
    controller
}

/// False only where the platform is sure of it.
pub fn is_online() -> bool {
    get(&global_get("navigator"), "onLine").as_bool() != Some(false)
}

pub fn is_hidden() -> bool {
    is_text(&get(&global_get("document"), "visibilityState"), "hidden")
}

/// Whether the browser sends Global Privacy Control.
pub fn wants_privacy() -> bool {
    get(&global_get("navigator"), "globalPrivacyControl").as_bool() == Some(true)
}

/// The page's own origin, where batches go unless something else is said, as a `ConfigPatch`.
pub fn patch() -> Own {
    let origin = value::string(&get(&global_get("location"), "origin"));
    if !origin.starts_with("http") {
        return Own::Undefined;
    }
    let batch = Own::Object(vec![(String::from("baseUrl"), Own::Text(origin))]);
    Own::Object(vec![(String::from("batch"), batch)])
}
