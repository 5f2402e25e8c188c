//! `Retry-After`: a lying header can't make the wait long, and a date means what it says.

use arbitrary::{Arbitrary, Unstructured};
use wasm_telemetry::core::random::Rng;
use wasm_telemetry::core::retry::{CIRCUIT_MILLIS, retry_after_millis, wait_millis};
use wasm_telemetry::core::time::UnixMillis;

#[derive(Arbitrary)]
struct Script<'a> {
    wall: u64,
    failures: u32,
    base: u64,
    max: u64,
    text: &'a str,
}

pub fn run(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let Script { wall, failures, base, max, text } = script;
    let wait = retry_after_millis(text, UnixMillis(wall));
    assert!(wait.is_none_or(|wait| wait <= CIRCUIT_MILLIS));
    let trimmed = text.trim_ascii();
    if let Ok(seconds) = trimmed.parse::<u64>()
        && !trimmed.starts_with('+')
    {
        assert_eq!(wait, Some(seconds.saturating_mul(1_000).min(CIRCUIT_MILLIS)));
    }
    // A date is as far away as it says, by whatever clock.
    if let Some(wait) = wait.filter(|wait| (1..CIRCUIT_MILLIS).contains(wait))
        && trimmed.contains("GMT")
    {
        let sooner = retry_after_millis(text, UnixMillis(wall + wait));
        assert_eq!(sooner, Some(0), "{text}");
    }
    // The ranges that `batch` takes.
    let (base, max) = (base.clamp(1, 600_000), max.clamp(1, 86_400_000));
    let backoff = wait_millis(&mut Rng::new(wall), failures, None, base, max);
    assert!(backoff <= CIRCUIT_MILLIS.max(max));
    let asked = wait.unwrap_or_default();
    let patient = wait_millis(&mut Rng::new(wall), failures, Some(asked), base, max);
    assert!((asked..=asked + CIRCUIT_MILLIS).contains(&patient));
}
