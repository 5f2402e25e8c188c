//! Numbers as JSON. What is written reads back as the very same double.

use alloc::vec;
use alloc::vec::Vec;

use super::super::codec::put_zeros;

/// Largest integer below which every integer is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Bytes that a number takes, at most.
pub const NUMBER: usize = 32;

/// Appends the decimal digits.
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    let start = out.len();
    put_zeros(out, NUMBER);
    let end = put_decimal(out, start, value, 0);
    out.truncate(end);
}

/// Appends a number that reads back as the same double; `null` if it is not finite.
pub fn write_number(out: &mut Vec<u8>, value: f64) {
    let start = out.len();
    put_zeros(out, NUMBER);
    let end = put_number(out, start, value);
    out.truncate(end);
}

/// Writes at that place, where there is room for [`NUMBER`] bytes; gives the end. Integers and short
/// decimals, which most numbers are, take a quick way; the rest is exact.
pub fn put_number(out: &mut [u8], mut at: usize, value: f64) -> usize {
    let magnitude = value.abs();
    if value < 0.0 {
        at = put_bytes(out, at, b"-");
    }
    let whole = magnitude as u64;
    let is_whole = magnitude < EXACT && whole as f64 == magnitude;
    let decimal = if is_whole { Some((whole, 0)) } else { short(magnitude) };
    if let Some((digits, decimals)) = decimal {
        return if digits < 100_000_000 && decimals < 8 {
            put_eight(out, at, digits, decimals)
        } else {
            put_decimal(out, at, digits, decimals)
        };
    }
    let mut text = Vec::new();
    if value.is_finite() {
        write_exact(&mut text, magnitude);
        put_bytes(out, at, &text)
    } else {
        // Validation leaves these out; JSON has no word for them.
        put_bytes(out, at - usize::from(value < 0.0), b"null")
    }
}

fn put_bytes(out: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    let end = at + bytes.len();
    if let Some(place) = out.get_mut(at..end) {
        place.copy_from_slice(bytes);
    }
    end
}

/// `digits / 10^decimals`, if some such pair gives exactly this double: the division of two exact
/// doubles is correctly rounded, just as the reading of the decimal text is.
fn short(magnitude: f64) -> Option<(u64, usize)> {
    let mut power = 1.0;
    // 10^22 is the last power of ten that is a double.
    for decimals in 1..=22 {
        power *= 10.0;
        let scaled = magnitude * power + 0.5;
        if scaled >= EXACT {
            return None;
        }
        let digits = scaled as u64;
        if digits as f64 / power == magnitude && digits > 0 {
            return Some((digits, decimals));
        }
    }
    None
}

fn put_decimal(out: &mut [u8], at: usize, digits: u64, decimals: usize) -> usize {
    let mut count = 1;
    let mut limit = 10_u64;
    // No number of 64 bits has more than 20 digits.
    while digits >= limit && count < 20 {
        count += 1;
        limit = limit.wrapping_mul(10);
    }
    let length = if decimals == 0 { count } else { count.max(decimals + 1) + 1 };
    let mut rest = digits;
    let text = out.get_mut(at..at + length).unwrap_or_default();
    for (place, byte) in text.iter_mut().rev().enumerate() {
        if decimals > 0 && place == decimals {
            *byte = b'.';
            continue;
        }
        // Division of what has 32 bits is a multiplication.
        let digit = match u32::try_from(rest) {
            Ok(small) => {
                rest = u64::from(small / 10);
                small % 10
            }
            Err(_) => {
                let digit = rest % 10;
                rest /= 10;
                digit as u32
            }
        };
        *byte = b'0' + digit as u8;
    }
    at + length
}

/// As [`put_decimal`] does, for up to eight digits: all at once, each in a byte of its own.
fn put_eight(out: &mut [u8], at: usize, digits: u64, decimals: usize) -> usize {
    // The first byte is the lowest. Four digits in each half, two in each quarter, one in each eighth;
    // divisions are multiplications that are exact for so few digits.
    let small = digits as u32;
    let fours = u64::from(small / 10_000) | u64::from(small % 10_000) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    let ones = tens | (twos - 10 * tens) << 8;

    let zeros = (ones.trailing_zeros() as usize / 8).min(7 - decimals);
    let text = (ones | 0x3030_3030_3030_3030) >> (8 * zeros);
    let end = put_word(out, at, text) - zeros;
    if decimals == 0 {
        return end;
    }
    let point = end - decimals;
    put_word(out, point, text >> (8 * (point - at)) << 8 | u64::from(b'.'));
    end + 1
}

fn put_word(out: &mut [u8], at: usize, word: u64) -> usize {
    if let Some(place) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = word.to_le_bytes();
    }
    at + 8
}

/// The 17 leading digits of the exact decimal expansion, correctly rounded: enough for any double.
///
/// `mantissa · 2^-k` is `mantissa · 5^k` with the decimal point moved by k, so that long
/// multiplication and division by small numbers is all it takes (no tables: size matters here).
fn write_exact(out: &mut Vec<u8>, magnitude: f64) {
    const DIGITS: usize = 17;
    let bits = magnitude.to_bits();
    let biased = (bits >> 52) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1_074) } else { (fraction | 1 << 52, biased - 1_075) };

    let mut big = vec![mantissa as u32, (mantissa >> 32) as u32];
    let mut point = 0;
    if exponent >= 0 {
        for _ in 0..exponent / 31 {
            multiply(&mut big, 1 << 31);
        }
        multiply(&mut big, 1 << (exponent % 31));
    } else {
        point = exponent;
        let mut fives = -exponent;
        while fives > 0 {
            let step = fives.min(13);
            multiply(&mut big, 5_u32.pow(step as u32));
            fives -= step;
        }
    }

    // Least significant digit first.
    let mut digits = Vec::new();
    while !big.is_empty() {
        let mut chunk = divide(&mut big, 1_000_000_000);
        for _ in 0..9 {
            digits.push((chunk % 10) as u8);
            chunk /= 10;
        }
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits.reverse();
    // The value is 0.d1d2d3… · 10^scale.
    let mut scale = digits.len() as i32 + point;
    let round_up = digits.get(DIGITS).is_some_and(|digit| *digit >= 5);
    digits.truncate(DIGITS);
    if round_up {
        loop {
            match digits.pop() {
                Some(9) => {}
                Some(digit) => {
                    digits.push(digit + 1);
                    break;
                }
                None => {
                    digits.push(1);
                    scale += 1;
                    break;
                }
            }
        }
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    for digit in &mut digits {
        *digit += b'0';
    }

    match scale {
        1..=21 if scale as usize >= digits.len() => {
            out.extend_from_slice(&digits);
            out.extend(core::iter::repeat_n(b'0', scale as usize - digits.len()));
        }
        1..=21 => {
            let (whole, decimals) = digits.split_at(scale as usize);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(decimals);
        }
        -5..=0 => {
            out.extend_from_slice(b"0.");
            out.extend(core::iter::repeat_n(b'0', -scale as usize));
            out.extend_from_slice(&digits);
        }
        _ => {
            let (first, decimals) = digits.split_at(1);
            out.extend_from_slice(first);
            if !decimals.is_empty() {
                out.push(b'.');
                out.extend_from_slice(decimals);
            }
            out.push(b'e');
            if scale <= 0 {
                out.push(b'-');
            }
            write_u64(out, u64::from((scale - 1).unsigned_abs()));
        }
    }
}

fn multiply(big: &mut Vec<u32>, factor: u32) {
    let mut carry = 0;
    for limb in big.iter_mut() {
        let product = u64::from(*limb) * u64::from(factor) + carry;
        *limb = product as u32;
        carry = product >> 32;
    }
    if carry > 0 {
        big.push(carry as u32);
    }
}

/// Divides in place, drops leading zeros, and gives the remainder.
fn divide(big: &mut Vec<u32>, divisor: u32) -> u32 {
    let mut remainder = 0;
    for limb in big.iter_mut().rev() {
        let value = remainder << 32 | u64::from(*limb);
        *limb = (value / u64::from(divisor)) as u32;
        remainder = value % u64::from(divisor);
    }
    while big.last() == Some(&0) {
        big.pop();
    }
    remainder as u32
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;
    use std::prelude::v1::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        write_number(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_well() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (-12.5, "-12.5"),
            (19.99, "19.99"),
            (10_000.0, "10000"),
            (99_999_999.0, "99999999"),
            (100_000_000.0, "100000000"),
            (-1_234_567.8, "-1234567.8"),
            (1.234_567_8, "1.2345678"),
            (12.345_678_9, "12.3456789"),
            (0.000_000_9, "0.0000009"),
            (0.000_001, "0.000001"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e21, "1e21"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "4.9406564584124654e-324"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_double_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let written = text(value);
            prop_assert_eq!(written.parse::<f64>().unwrap(), value, "{}", &written);
            prop_assert!(serde_json::from_str::<f64>(&written).is_ok(), "{}", written);
        }

        #[test]
        fn every_decimal_reads_back(digits in 0_u64..1_000_000_000_000, decimals in 0_i32..20) {
            let value: f64 = format!("{digits}e-{decimals}").parse().unwrap();
            prop_assert_eq!(text(value).parse::<f64>().unwrap(), value);
        }
    }
}
