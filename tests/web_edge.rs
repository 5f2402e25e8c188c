//! The client as JavaScript sees it, in Node and in a browser.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use wasm_telemetry::edge::Client;

#[wasm_bindgen(module = "/tests/web_edge.js")]
extern "C" {
    /// The value of a JavaScript expression, named.
    #[wasm_bindgen(js_name = value)]
    fn js(name: &str) -> JsValue;
    #[wasm_bindgen(js_name = options)]
    fn options(more: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = told)]
    fn told(options: &JsValue) -> Vec<String>;
    #[wasm_bindgen(js_name = at)]
    fn at(value: &JsValue, path: &str) -> JsValue;
    #[wasm_bindgen(js_name = verified)]
    fn verified(text: &str) -> JsValue;
    #[wasm_bindgen(js_name = stage)]
    fn stage(memory: &JsValue, address: usize, words: Vec<f64>);
    #[wasm_bindgen(js_name = logFrom)]
    fn log_from(log: &Closure<dyn Fn()>) -> JsValue;
    #[wasm_bindgen(catch, js_name = settled)]
    async fn settled(promise: JsValue) -> Result<JsValue, JsValue>;
}

struct Subject {
    client: Client,
    options: JsValue,
}

impl Subject {
    /// `more` names the options that are added to the usual ones.
    fn new(more: &str) -> Self {
        let options = options(&js(more));
        let client = Client::new(&options, &JsValue::UNDEFINED).unwrap();
        Self { client, options }
    }

    fn log(&self, name: &str, metadata: &str) -> Result<(), String> {
        let thrown = self.client.log_event(&name.into(), &js(metadata), 1e12);
        thrown.map_err(|error| at(&error, "message").as_string().unwrap())
    }

    fn number(&self, path: &str) -> f64 {
        at(&self.client.stats().unwrap(), path).as_f64().unwrap_or(0.0)
    }

    fn told(&self) -> Vec<String> {
        told(&self.options)
    }
}

#[wasm_bindgen_test]
fn events_are_accepted_and_counted() {
    let subject = Subject::new("nothing");
    subject.log("checkout", "good fields").unwrap();
    subject.log("checkout", "nothing").unwrap();
    assert_eq!(subject.number("ledger.accepted"), 2.0);
    assert_eq!(subject.number("ledger.queued"), 2.0);
    assert_eq!(subject.number("ledger.fieldsLeftOut"), 0.0);
    assert_eq!(at(&subject.client.stats().unwrap(), "state"), "running");
    assert_eq!(at(&subject.client.stats().unwrap(), "store.kind"), "memory");
    assert!(subject.number("sizes.memoryBytes") > 65_536.0);
    assert_eq!(subject.told(), [""; 0]);
}

#[wasm_bindgen_test]
fn what_an_event_may_not_hold_is_left_out() {
    let subject = Subject::new("nothing");
    subject.log("checkout", "bad fields").unwrap();
    assert_eq!(subject.number("ledger.accepted"), 1.0);
    assert_eq!(subject.number("ledger.fieldsLeftOut"), 9.0);
    let told = subject.told().join("\n");
    for part in [
        "field \"text\" is a string; wrap checked text in verified()",
        "field \"list\" is an object",
        "field \"nothing\" is null",
        "field \"big\" is a bigint",
        "field \"call\" is a function",
        "field \"symbol\" is a symbol",
        "field \"thrower\" could not be read",
        "field \"infinite\" is a number that is not finite",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
}

#[wasm_bindgen_test]
fn verified_text_is_let_in() {
    let subject = Subject::new("nothing");
    let metadata = js("nothing to fill");
    js_sys::Reflect::set(&metadata, &"plan".into(), &verified("pro")).unwrap();
    subject.client.log_event(&"upgrade".into(), &metadata, f64::NAN).unwrap();
    assert_eq!(subject.number("ledger.fieldsLeftOut"), 0.0);
    // What only looks verified is an object like any other.
    subject.log("upgrade", "look-alike").unwrap();
    assert_eq!(subject.number("ledger.fieldsLeftOut"), 1.0);
}

#[wasm_bindgen_test]
fn nothing_hostile_throws() {
    let subject = Subject::new("nothing");
    for metadata in ["throwing proxy", "revoked proxy", "lying proxy", "cycle", "proto", "huge key"]
    {
        subject.log("hostile", metadata).unwrap();
    }
    for metadata in ["a string", "a number", "a function", "a symbol", "null"] {
        subject.log("hostile", metadata).unwrap();
    }
    for name in ["a number", "a symbol", "nothing", "throwing proxy", "huge text", "lone surrogate"]
    {
        subject.client.log_event(&js(name), &JsValue::UNDEFINED, f64::NAN).unwrap();
        subject.client.log_experiment(&js(name), f64::NAN).unwrap();
        subject.client.update_config(&js(name)).unwrap();
        subject.client.set_context(&js(name)).unwrap();
        subject.client.set_user(&js(name)).unwrap();
        subject.client.set_consent(&js(name)).unwrap();
    }
    assert!(subject.number("ledger.accepted") >= 17.0);
    assert_eq!(subject.number("ledger.queued"), 12.0);
}

#[wasm_bindgen_test]
fn a_getter_may_log() {
    let subject = std::rc::Rc::new(Subject::new("nothing"));
    let inner = std::rc::Rc::clone(&subject);
    let log = Closure::new(move || inner.log("inner", "good fields").unwrap());
    let metadata = log_from(&log);
    subject.client.log_event(&"outer".into(), &metadata, f64::NAN).unwrap();
    assert_eq!(subject.number("ledger.queued"), 2.0);
}

#[wasm_bindgen_test]
fn strict_mode_throws_a_type_error_that_names_the_field() {
    let subject = Subject::new("strict");
    let prefix = "wasm-telemetry: ";
    for (name, metadata, message) in [
        (
            "x",
            "text field",
            "event \"x\": field \"y\" is a string; wrap checked text in verified()",
        ),
        ("", "nothing", "an event's name must have 1 to 256 characters"),
        ("x", "a number", "event \"x\": metadata is no object"),
    ] {
        assert_eq!(subject.log(name, metadata), Err([prefix, message].concat()));
    }
    let error =
        subject.client.log_event(&js("a symbol"), &JsValue::UNDEFINED, f64::NAN).unwrap_err();
    assert!(error.is_instance_of::<js_sys::TypeError>());
    subject.log("x", "good fields").unwrap();
    let exposed = |exposure| {
        let thrown = subject.client.log_experiment(&js(exposure), f64::NAN);
        thrown.map_err(|error| at(&error, "message").as_string().unwrap())
    };
    exposed("exposure").unwrap();
    assert!(exposed("exposure of no id").unwrap_err().contains("experimentId must"));
    assert!(exposed("exposure of no variation").unwrap_err().contains("variationId must"));
    assert!(exposed("exposure of a cycle").unwrap_err().contains("userAttributes can't"));
    assert!(subject.client.set_context(&js("cycle")).is_err());
    assert!(subject.client.set_consent(&"maybe".into()).is_err());
    assert_eq!(subject.number("ledger.accepted"), 2.0);
}

#[wasm_bindgen_test]
fn exposures_are_accepted_or_dropped_and_counted() {
    let subject = Subject::new("nothing");
    let exposures = ["exposure", "exposure of no id", "exposure of a cycle"];
    for exposure in exposures {
        subject.client.log_experiment(&js(exposure), f64::NAN).unwrap();
    }
    assert_eq!(subject.number("ledger.accepted"), 3.0);
    assert_eq!(subject.number("ledger.dropped.invalid_name"), 1.0);
}

#[wasm_bindgen_test]
fn configuration_is_taken_field_by_field() {
    let subject = Subject::new("nothing");
    let report = subject.client.update_config(&js("patch")).unwrap();
    assert_eq!(at(&report, "changed.length"), 3.0);
    assert_eq!(subject.number("config.batch.maxQueueSize"), 5.0);
    assert_eq!(subject.number("config.sampling.seldom.sample_rate"), 0.25);
    let paths: Vec<String> = (0..7)
        .filter_map(|index| at(&report, &format!("rejected.{index}.path")).as_string())
        .collect();
    let expected =
        ["batch.maxAttempts", "batch.thrower", "batch.novel", "sampling.broken", "future"];
    assert_eq!(paths, expected);
    let report = subject.client.update_config(&js("patch")).unwrap();
    assert_eq!(at(&report, "changed.length"), 0.0);
    let report = subject.client.update_config(&js("reset")).unwrap();
    assert_eq!(at(&report, "changed.length"), 2.0);
    assert_eq!(subject.number("config.batch.maxQueueSize"), 8_192.0);
}

#[wasm_bindgen_test]
fn bad_options_are_told_and_the_defaults_hold() {
    assert!(Client::new(&js("nothing to fill"), &JsValue::UNDEFINED).is_err());
    assert!(Client::new(&JsValue::UNDEFINED, &JsValue::UNDEFINED).is_err());
    let subject = Subject::new("bad options");
    let told = subject.told().join("\n");
    for field in [
        "auth",
        "consent",
        "durability",
        "exit",
        "enrich",
        "strict",
        "format",
        "context",
        "store",
        "headers.Authorization",
        "headers.X-Line",
        "headers.a b",
        "headers.Content-Type",
    ] {
        assert!(told.contains(&["option_rejected ", field, ": "].concat()), "{field} in\n{told}");
    }
    assert_eq!(at(&subject.client.stats().unwrap(), "config.consent"), "granted");
    subject.log("still", "good fields").unwrap();
    assert_eq!(subject.number("ledger.accepted"), 1.0);
}

#[wasm_bindgen_test]
fn a_disabled_client_logs_nothing() {
    let subject = Subject::new("disabled");
    subject.log("x", "good fields").unwrap();
    assert_eq!(at(&subject.client.stats().unwrap(), "state"), "disabled");
    assert_eq!(at(&subject.client.stats().unwrap(), "store.kind"), "none");
    assert_eq!(subject.number("ledger.accepted"), 0.0);
    assert_eq!(subject.number("ledger.suppressed"), 1.0);

    let in_a_test = js("host of a test environment");
    let off = Client::new(&options(&js("nothing")), &in_a_test).unwrap();
    assert_eq!(at(&off.stats().unwrap(), "state"), "disabled");
    let on = Client::new(&options(&js("enabled")), &in_a_test).unwrap();
    assert_eq!(at(&on.stats().unwrap(), "state"), "running");
    let off =
        Client::new(&options(&js("enabled")), &js("host where tracking is unwanted")).unwrap();
    assert_eq!(at(&off.stats().unwrap(), "state"), "disabled");
}

#[wasm_bindgen_test]
fn staged_events_are_handed_in_first() {
    let subject = Subject::new("nothing");
    let memory = wasm_bindgen::memory();
    let shape = subject.client.shape(&"click".into(), &js("two fields"));
    assert!(shape >= 0);
    assert_eq!(subject.client.shape(&"click".into(), &js("bad fields")), -1);
    assert_eq!(subject.client.shape(&"".into(), &js("two fields")), -1);
    let address = subject.client.staging();
    assert_eq!(address % 8, 0);
    let shape = f64::from(shape);
    stage(&memory, address, vec![9.0, shape, 1e12, 3.5, 1.0, shape, 1e12, 4.0, 0.0]);
    assert_eq!(subject.number("ledger.accepted"), 2.0);
    // Taken once.
    assert_eq!(subject.number("ledger.accepted"), 2.0);
    for garbled in [
        vec![4.0, shape, 1e12, 1.0],
        vec![4.0, -1.0, 1e12, 1.0],
        vec![4.0, 1e9, 1e12, 1.0],
        vec![2.0, shape],
        vec![f64::NAN],
        vec![1e9],
        vec![-3.0],
    ] {
        stage(&memory, address, garbled);
        subject.client.wake();
    }
    stage(&memory, address, vec![5.0, shape, 1e12, 3.5, 1.0]);
    assert_eq!(subject.number("ledger.accepted"), 3.0);
    assert!(subject.told().join("\n").contains("staging_garbled"));
}

#[wasm_bindgen_test]
fn shapes_are_forgotten_when_there_are_too_many() {
    let subject = Subject::new("nothing");
    let mut last = 0;
    for index in 0..10_000 {
        last = subject.client.shape(&format!("event {index}").into(), &js("two fields"));
        if last < 0 {
            break;
        }
    }
    assert_eq!(last, -2);
    assert!(subject.client.shape(&"again".into(), &js("two fields")) >= 0);
}

#[wasm_bindgen_test]
fn enrichment_adds_and_never_holds_an_event_back_at_the_end() {
    let subject = Subject::new("enrich at once");
    subject.log("x", "good fields").unwrap();
    assert_eq!(subject.number("ledger.accepted"), 1.0);
    let subject = Subject::new("enrich that throws");
    subject.log("x", "good fields").unwrap();
    assert_eq!(subject.number("ledger.accepted"), 1.0);
    assert!(subject.told()[0].starts_with("enrich_failed enrich: "));
    let subject = Subject::new("enrich that never answers");
    subject.log("x", "good fields").unwrap();
    assert_eq!(subject.number("ledger.accepted"), 0.0);
    subject.client.leave(&"page".into());
    assert_eq!(subject.number("ledger.accepted"), 1.0);
    assert_eq!(subject.client.shape(&"x".into(), &js("two fields")), -1);
}

#[wasm_bindgen_test]
async fn what_can_not_be_sent_is_stored_and_flush_tells() {
    let subject = Subject::new("dead endpoint");
    settled(subject.client.ready().unwrap()).await.unwrap();
    subject.log("x", "good fields").unwrap();
    let report = settled(subject.client.flush(10_000.0).unwrap()).await.unwrap();
    assert_eq!(at(&report, "delivered"), 0.0);
    assert_eq!(at(&report, "stored"), 1.0);
    assert_eq!(at(&subject.client.stats().unwrap(), "endpoint.failures"), 1.0);
    let report = settled(subject.client.shutdown(10_000.0).unwrap()).await.unwrap();
    assert_eq!(at(&report, "stored"), 1.0);
    assert_eq!(at(&subject.client.stats().unwrap(), "state"), "shut-down");
    subject.log("late", "good fields").unwrap();
    assert_eq!(subject.number("ledger.accepted"), 1.0);
}

#[wasm_bindgen_test]
async fn a_failing_auth_keeps_the_events() {
    for auth in ["auth that throws", "auth that rejects", "auth that gives a line break"] {
        let subject = Subject::new(auth);
        subject.log("x", "good fields").unwrap();
        let report = settled(subject.client.flush(10_000.0).unwrap()).await.unwrap();
        assert_eq!(at(&report, "stored"), 1.0, "{auth}");
        let told = subject.told().join("\n");
        assert!(told.contains("auth_failed auth: "), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
}

#[wasm_bindgen_test]
fn a_process_that_ends_stores_everything_at_once() {
    let options = options(&js("host store"));
    let client = Client::new(&options, &JsValue::UNDEFINED).unwrap();
    client.log_event(&"last words".into(), &JsValue::UNDEFINED, f64::NAN).unwrap();
    client.leave(&"process".into());
    assert_eq!(at(&options, "store.size"), 1.0);
    assert_eq!(at(&client.stats().unwrap(), "store.kind"), "host");
}
