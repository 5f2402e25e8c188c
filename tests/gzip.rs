//! Gzip of our own, read back by another.
#![cfg(not(target_arch = "wasm32"))]

#[path = "support/gunzip.rs"]
mod gunzip;

use gunzip::gunzip;
use proptest::collection::vec;
use proptest::prelude::*;
use wasm_telemetry::core::gzip::gzip;

proptest! {
    #[test]
    fn any_bytes_come_back(bytes in vec(any::<u8>(), 0..5_000)) {
        prop_assert_eq!(gunzip(&gzip(&bytes)), bytes);
    }

    #[test]
    fn what_repeats_at_any_distance_comes_back(
        pieces in vec((vec(any::<u8>(), 1..40), 1_usize..300), 0..40),
        gaps in vec(0_usize..40_000, 0..3),
    ) {
        let mut bytes = Vec::new();
        for (piece, times) in &pieces {
            bytes.extend(piece.repeat(*times));
        }
        for gap in gaps {
            let copy: Vec<u8> = bytes.iter().take(1_000).copied().collect();
            bytes.extend((0..gap).map(|n| ((n * n) >> 3) as u8));
            bytes.extend(copy);
        }
        prop_assert_eq!(gunzip(&gzip(&bytes)), bytes);
    }
}

#[test]
fn every_length_and_distance_comes_back() {
    for length in (0..600).chain([1 << 15, 1 << 17]) {
        let bytes = vec![b'x'; length];
        assert_eq!(gunzip(&gzip(&bytes)), bytes, "{length}");
    }
    for distance in (1..2_000).chain(32_700..32_800) {
        let mut bytes = b"what comes again".to_vec();
        bytes.extend((0..distance).map(|n| (n % 251) as u8));
        bytes.extend_from_slice(b"what comes again");
        assert_eq!(gunzip(&gzip(&bytes)), bytes, "{distance}");
    }
}
