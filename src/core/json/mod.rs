//! JSON's words: texts, numbers, times.

mod number;
mod text;

pub(crate) use number::{NUMBER, put_number};
pub use number::{write_number, write_u64};
pub(crate) use text::{escape, hex, longest};
pub use text::{write_text, write_time};

use alloc::vec::Vec;

/// `{"name":count,…}`
pub(crate) fn write_counts<'a>(out: &mut Vec<u8>, counts: impl Iterator<Item = (&'a str, u64)>) {
    out.push(b'{');
    let mut first = true;
    for (name, count) in counts {
        separate(out, &mut first);
        write_text(out, name);
        out.push(b':');
        write_u64(out, count);
    }
    out.push(b'}');
}

/// A comma before every entry but the first.
fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if !core::mem::take(first) {
        out.push(b',');
    }
}
