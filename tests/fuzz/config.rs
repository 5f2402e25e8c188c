//! Where a configuration could send events: what is accepted is what an independent URL parser
//! reads, and it obeys the rule; a patch can't turn events toward another origin.

use arbitrary::{Arbitrary, Unstructured};
use url::{Host, Url};
use wasm_telemetry::core::config::{Config, Layer, Setting, Value};

#[derive(Arbitrary, Debug)]
struct Script<'a> {
    allowed: Option<Vec<&'a str>>,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
struct Step<'a> {
    layer: u8,
    change: Change<'a>,
}

#[derive(Arbitrary, Debug)]
enum Change<'a> {
    Base(Any<'a>),
    Https(&'a str),
    Http(&'a str),
    /// Of what URLs are made of.
    Parts(&'a [u8]),
    Path(Any<'a>),
    Number(u8, f64),
    Other(&'a str, Any<'a>),
    Sampling(&'a str, Any<'a>, Any<'a>),
    Killed(Any<'a>, Any<'a>, Any<'a>),
    BatchReset,
    SamplingReset,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Any<'a> {
    Text(&'a str),
    Number(f64),
    Bool(bool),
    Null,
    Absent,
    Other,
}

impl<'a> Any<'a> {
    fn value(self) -> Value<'a> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Number(number) => Value::Number(number),
            Self::Bool(value) => Value::Bool(value),
            Self::Null => Value::Null,
            Self::Absent => Value::Absent,
            Self::Other => Value::Other,
        }
    }
}

const NUMBERS: [&str; 5] =
    ["scheduledDelayMillis", "maxExportBatchSize", "maxQueueBytes", "maxAttempts", "maxStoreBytes"];

const PARTS: [&str; 40] = [
    "https://",
    "http://",
    "//",
    "/",
    ":",
    "::",
    "[",
    "]",
    ".",
    "..",
    "@",
    "?",
    "#",
    "\\",
    "%2e",
    "-",
    "_",
    " ",
    "a",
    "B",
    "example",
    "com",
    "localhost",
    "127",
    "0",
    "1",
    "255",
    "256",
    "0x7f",
    "010",
    "f",
    "443",
    "80",
    "8080",
    "99999",
    "xn--",
    "ü",
    "\t",
    "+",
    "[::1]",
];

pub fn run(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut config = Config::new("/events");
    let allowed = script.allowed.map(|origins| {
        let bad = config.allow_origins(&origins);
        let good = origins.into_iter().filter(|origin| !bad.contains(origin));
        good.filter_map(parse).map(|url| url.origin()).collect::<Vec<_>>()
    });
    // The origins that the host itself chose.
    let mut chosen = Vec::new();
    for Step { layer, change } in script.steps {
        let layer = [Layer::Remote, Layer::Options, Layer::Environment][usize::from(layer % 3)];
        let before = stats(&config);
        let text;
        let setting = match change {
            Change::Base(value) => batch("baseUrl", value.value()),
            Change::Https(rest) => {
                text = format!("https://{rest}");
                batch("baseUrl", Value::Text(&text))
            }
            Change::Http(rest) => {
                text = format!("http://{rest}");
                batch("baseUrl", Value::Text(&text))
            }
            Change::Parts(parts) => {
                let part = |index: &u8| PARTS[usize::from(*index) % PARTS.len()];
                text = parts.iter().map(part).collect();
                batch("baseUrl", Value::Text(&text))
            }
            Change::Path(value) => batch("path", value.value()),
            Change::Number(index, number) => {
                batch(NUMBERS[usize::from(index) % NUMBERS.len()], Value::Number(number))
            }
            Change::Other(name, value) => batch(name, value.value()),
            Change::Sampling(event, rate, by) => {
                Setting::Sampling { event, rate: rate.value(), by: by.value() }
            }
            Change::Killed(switch, until, stored) => Setting::Killed {
                switch: switch.value(),
                until: until.value(),
                stored: stored.value(),
            },
            Change::BatchReset => Setting::BatchReset,
            Change::SamplingReset => Setting::SamplingReset,
        };
        let report = config.apply(layer, &[setting]);
        if report.changed.is_empty() && !matches!(setting, Setting::Sampling { .. }) {
            assert_eq!(stats(&config), before, "{setting:?} changed something untold");
        }
        let again = config.apply(layer, &[setting]);
        assert!(again.changed.is_empty(), "{setting:?} changed something twice: {again:?}");
        if let Setting::Batch { name: "baseUrl", value: Value::Text(text) } = setting
            && layer != Layer::Remote
            && report.rejected.is_empty()
        {
            chosen.extend(parse(text).map(|url| url.origin()));
        }
        if let Some(url) = config.url().and_then(|url| check(&url)) {
            let among = |origins: &[url::Origin]| origins.contains(&url.origin());
            assert!(among(allowed.as_ref().unwrap_or(&chosen)), "{url}: another origin");
        }
    }
}

fn batch<'a>(name: &'a str, value: Value<'a>) -> Setting<'a> {
    Setting::Batch { name, value }
}

fn stats(config: &Config) -> serde_json::Value {
    let mut text = vec![b'{'];
    config.write_json(&mut text);
    text.push(b'}');
    serde_json::from_slice(&text).expect("the configuration is JSON")
}

/// None for a label in Punycode that says nothing: no request to there ever starts.
fn parse(text: &str) -> Option<Url> {
    match Url::parse(text) {
        Ok(url) => Some(url),
        Err(_) if text.to_ascii_lowercase().contains("xn--") => None,
        Err(error) => panic!("{text} is accepted, and no URL: {error}"),
    }
}

/// That the address is safe, and means the same to everybody.
fn check(text: &str) -> Option<Url> {
    let url = parse(text)?;
    let mut expected = String::from(text);
    let loopback = match url.host().expect("a host") {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => {
            // One address has several spellings.
            let (start, end) =
                (text.find('[').expect("a bracket"), text.find(']').expect("a bracket"));
            assert_eq!(text[start + 1..end].parse(), Ok(address), "{text}");
            expected.replace_range(start..=end, url.host_str().expect("a host"));
            address.is_loopback()
        }
    };
    assert!(url.scheme() == "https" || (url.scheme() == "http" && loopback), "{text}");
    assert_eq!((url.username(), url.password()), ("", None), "{text}");
    assert_eq!((url.query(), url.fragment()), (None, None), "{text}");
    assert_eq!(url.as_str(), expected, "read in two ways");
    Some(url)
}
