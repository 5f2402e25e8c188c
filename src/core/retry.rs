//! What an answer means, and how long to wait before the next try.

use super::format::Format;
use super::random::Rng;
use super::time::UnixMillis;

/// What follows from a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint has the batch.
    Delivered,
    /// Store it and try again later.
    Retry,
    /// Split the batch.
    TooLarge,
    /// The Authorization header was refused.
    Unauthorized,
    /// Never again.
    Rejected,
}

/// OTLP/HTTP's list of statuses to retry (429, 502, 503, 504), with 408 and 500 beside them.
pub fn classify(status: u16, format: Format) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        408 | 429 | 500 | 502 | 503 | 504 => Verdict::Retry,
        413 => Verdict::TooLarge,
        401 | 403 => Verdict::Unauthorized,
        // That nobody named: a server that may come to itself again. OTLP says no.
        501 | 505..=599 if !format.is_otlp() => Verdict::Retry,
        _ => Verdict::Rejected,
    }
}

/// From here on an endpoint is taken for dead or blocked, and is probed at growing distance.
const CIRCUIT_FAILURES: u32 = 6;
/// The longest distance between two probes, and the longest `Retry-After` that is believed.
pub const CIRCUIT_MILLIS: u64 = 15 * 60_000;

/// The longest jitter on top of a `Retry-After`.
const SPREAD_MILLIS: u64 = 5 * 60_000;

/// How long to wait after the n-th failure in a row: exponential backoff with full jitter (Brooker,
/// "Exponential Backoff And Jitter", 2015). Once the circuit is open, a probe waits for at least half
/// its range. What `Retry-After` asked for wins, and is never cut short; but a fleet that was told
/// the same date must not come at the same second, so that a draw from as long again, or from the
/// backoff's range, comes on top.
pub fn wait_millis(rng: &mut Rng, failures: u32, asked: Option<u64>, base: u64, max: u64) -> u64 {
    let range = backoff_range(failures, base, max);
    match asked {
        Some(asked) => asked + rng.up_to(asked.max(range).min(SPREAD_MILLIS)),
        None if is_open(failures) => range - rng.up_to(range / 2),
        None => range - rng.up_to(range),
    }
}

/// `base · 2^(n-1)`, capped; once the circuit is open, the cap grows to fifteen minutes.
fn backoff_range(failures: u32, base: u64, max: u64) -> u64 {
    let doubled = |millis: u64, times: u32| millis.saturating_mul(1 << times.min(40));
    if is_open(failures) {
        doubled(max, failures - CIRCUIT_FAILURES).min(CIRCUIT_MILLIS.max(max))
    } else {
        doubled(base, failures.saturating_sub(1)).min(max)
    }
}

/// Whether so many failures open the circuit.
fn is_open(failures: u32) -> bool {
    #[cfg(feature = "ablation")]
    if super::ablation::without_circuit() {
        return false;
    }
    failures > CIRCUIT_FAILURES
}

/// What a `Retry-After` header asks for (RFC 9110, section 10.2.3): seconds, or a date in
/// the preferred format. Anything else says nothing. Capped, for servers lie.
pub fn retry_after_millis(text: &str, wall: UnixMillis) -> Option<u64> {
    let text = text.as_bytes().trim_ascii();
    let millis = if !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
        decimal(text).saturating_mul(1_000)
    } else {
        parse_http_date(text)?.saturating_sub(wall.0)
    };
    Some(millis.min(CIRCUIT_MILLIS))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in milliseconds since 1970.
fn parse_http_date(text: &[u8]) -> Option<u64> {
    const LAYOUT: &[u8; 29] = b"???, 00 ??? 0000 00:00:00 GMT";
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let text: &[u8; 29] = text.try_into().ok()?;
    let fits = text.iter().zip(LAYOUT).all(|(byte, layout)| match layout {
        b'?' => true,
        b'0' => byte.is_ascii_digit(),
        _ => byte == layout,
    });
    if !fits {
        return None;
    }
    let [day, year] = [&text[5..7], &text[12..16]].map(decimal);
    let [hour, minute, second] = [&text[17..19], &text[20..22], &text[23..25]].map(decimal);
    let month = MONTHS.chunks_exact(3).position(|month| *month == text[8..11])? as u64;
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days from civil (Howard Hinnant): years begin in March, so that February 29 is the last day.
    let shifted = if month < 2 { year.checked_sub(1)? } else { year };
    let day_of_year = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year;
    let days = days.checked_sub(719_468)?;
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000)
}

pub(super) fn decimal(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number: u64, digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::v1::*;

    #[test]
    fn statuses() {
        for format in [Format::Json, Format::OtlpJson, Format::OtlpProtobuf] {
            let unnamed = if format.is_otlp() { Verdict::Rejected } else { Verdict::Retry };
            for status in [501, 505, 507, 511, 599] {
                assert_eq!(classify(status, format), unnamed, "{status}");
            }
        }
        for (verdict, statuses) in [
            (Verdict::Delivered, &[200, 202, 204, 299][..]),
            (Verdict::Retry, &[408, 429, 500, 502, 503, 504]),
            (Verdict::TooLarge, &[413]),
            (Verdict::Unauthorized, &[401, 403]),
            (Verdict::Rejected, &[0, 100, 300, 302, 304, 400, 404, 410, 415, 422, 431, 600]),
        ] {
            for status in statuses {
                assert_eq!(classify(*status, Format::Json), verdict, "{status}");
                assert_eq!(classify(*status, Format::OtlpProtobuf), verdict, "{status}");
            }
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wall = UnixMillis(784_111_770_000);
        for (text, millis) in [
            ("0", Some(0)),
            (" 7 ", Some(7_000)),
            ("99999999999999999999999", Some(CIRCUIT_MILLIS)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7_000)),
            ("Sun, 06 Nov 1994 08:49:29 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(CIRCUIT_MILLIS)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37 PST", None),
            ("Sun, 06 anF 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
        ] {
            assert_eq!(retry_after_millis(text, wall), millis, "{text}");
        }
    }

    #[test]
    fn leap_days_count() {
        let parse = |text: &str| parse_http_date(text.as_bytes()).unwrap();
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
        assert_eq!(parse("Tue, 29 Feb 2000 00:00:00 GMT"), 951_782_400_000);
        assert_eq!(parse("Wed, 01 Mar 2000 00:00:00 GMT"), 951_868_800_000);
    }

    const BASE: u64 = 500;
    const MAX: u64 = 30_000;

    /// The shortest and the longest of many waits.
    fn extremes(failures: u32, asked: Option<u64>) -> (u64, u64) {
        let mut rng = Rng::new(3);
        let waits = (0..2_000).map(|_| wait_millis(&mut rng, failures, asked, BASE, MAX));
        waits.fold((u64::MAX, 0), |(least, most), wait| (least.min(wait), most.max(wait)))
    }

    #[test]
    fn backoff_grows_to_its_cap_and_then_the_circuit_opens() {
        let longest = |failures| extremes(failures, None).1;
        assert!((450..=500).contains(&longest(1)));
        assert!((900..=1_000).contains(&longest(2)));
        assert!((15_000..=16_000).contains(&longest(6)));
        assert!((58_000..=60_000).contains(&longest(7)));
        assert!((850_000..=CIRCUIT_MILLIS).contains(&longest(40)));
        assert!(longest(u32::MAX) <= CIRCUIT_MILLIS);
        assert!(extremes(1, None).0 < 50);
        assert!(extremes(30, None).0 >= CIRCUIT_MILLIS / 2);
    }

    #[test]
    fn retry_after_is_never_cut_short_and_is_spread_over_as_long_again() {
        let minute = 60_000;
        for (asked, spread) in
            [(minute, minute), (4 * minute, 4 * minute), (CIRCUIT_MILLIS, SPREAD_MILLIS)]
        {
            let (least, most) = extremes(1, Some(asked));
            assert!((asked..=asked + spread / 20).contains(&least), "{asked}: {least}");
            assert!((asked + spread * 19 / 20..=asked + spread).contains(&most), "{asked}: {most}");
        }
        // A server may ask for nothing: the draw is not from less than the backoff's range.
        assert!(extremes(1, Some(0)).1 <= BASE);
        assert!((15_000..=16_000).contains(&extremes(6, Some(0)).1));
        assert!((290_000..=SPREAD_MILLIS).contains(&extremes(30, Some(0)).1));
    }
}
