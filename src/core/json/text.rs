//! Text and times as JSON.

use alloc::vec::Vec;

use super::super::codec::put_zeros;
use super::super::time::UnixMillis;

/// A JSON string with its quotes.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    put_zeros(out, longest(text));
    let end = escape(out, start, text);
    out.truncate(end);
}

/// Bytes that a text takes as JSON, at most.
pub fn longest(text: &str) -> usize {
    6 * text.len() + 2
}

/// Writes the text at that place, where there is room for [`longest`]; gives the end.
pub fn escape(out: &mut [u8], start: usize, text: &str) -> usize {
    let mut at = start;
    let mut put = |byte| {
        if let Some(place) = out.get_mut(at) {
            *place = byte;
        }
        at += 1;
    };
    put(b'"');
    for byte in text.bytes() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\t' => b't',
            b'\r' => b'r',
            0..0x20 => {
                let digits = hex(u32::from(byte));
                b"\\u".iter().chain(&digits[4..]).for_each(|byte| put(*byte));
                continue;
            }
            _ => {
                put(byte);
                continue;
            }
        };
        put(b'\\');
        put(short);
    }
    put(b'"');
    at
}

/// Eight hexadecimal digits, all at once: each half byte gets a byte of its own, and becomes a digit or,
/// 39 further on, a letter.
pub fn hex(number: u32) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut digits = u64::from(number);
    digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF;
    digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF;
    digits = (digits | digits << 4) & (15 * ONES);
    let letters = (digits + 6 * ONES) >> 4 & ONES;
    (digits + u64::from(b'0') * ONES + 39 * letters).to_be_bytes()
}

/// `"2026-01-02T03:04:05.678Z"`, with its quotes; years past 9999 as ECMAScript writes them.
pub fn write_time(out: &mut Vec<u8>, time: UnixMillis) {
    let time = time.0.min(UnixMillis::MAX.0);
    let (days, millis) = (time / 86_400_000, time % 86_400_000);
    let (year, month, day) = civil(days);
    out.push(b'"');
    if year > 9_999 {
        out.push(b'+');
        write_padded(out, year, 6);
    } else {
        write_padded(out, year, 4);
    }
    out.push(b'-');
    write_padded(out, month, 2);
    out.push(b'-');
    write_padded(out, day, 2);
    out.push(b'T');
    write_padded(out, millis / 3_600_000, 2);
    out.push(b':');
    write_padded(out, millis / 60_000 % 60, 2);
    out.push(b':');
    write_padded(out, millis / 1_000 % 60, 2);
    out.push(b'.');
    write_padded(out, millis % 1_000, 3);
    out.extend_from_slice(b"Z\"");
}

/// Year, month and day of a day since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`, for days that are not negative).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

fn write_padded(out: &mut Vec<u8>, value: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut value = value as u32;
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::prelude::v1::*;

    fn time(millis: u64) -> String {
        let mut out = Vec::new();
        write_time(&mut out, UnixMillis(millis));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_iso_8601() {
        assert_eq!(time(0), "\"1970-01-01T00:00:00.000Z\"");
        assert_eq!(time(951_782_400_000), "\"2000-02-29T00:00:00.000Z\"");
        assert_eq!(time(1_767_323_045_678), "\"2026-01-02T03:04:05.678Z\"");
        assert_eq!(time(4_107_542_399_999), "\"2100-02-28T23:59:59.999Z\"");
        assert_eq!(time(253_402_300_800_000), "\"+010000-01-01T00:00:00.000Z\"");
        assert_eq!(time(u64::MAX), "\"+275760-09-13T00:00:00.000Z\"");
    }

    proptest! {
        #[test]
        fn every_text_reads_back(text in any::<String>()) {
            let mut out = Vec::new();
            write_text(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
