//! Everything random follows from one seed out of a cryptographic source, so that a run can be replayed.

use super::id::Id;

/// SplitMix64 (Steele, Lea, Flood 2014): for jitter and sampling.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The same seed draws the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 even bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// From 0 up to, but without, 1.
    pub fn unit(&mut self) -> f64 {
        to_unit(self.draw())
    }

    /// From 0 to `limit`, both included.
    pub fn up_to(&mut self, limit: u64) -> u64 {
        #[cfg(feature = "ablation")]
        if super::ablation::without_jitter() {
            return 0;
        }
        ((self.unit() * (limit as f64 + 1.0)) as u64).min(limit)
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's finalizer: a bijection in which each input bit touches every output bit.
fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

fn to_unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

/// The same number from 0 to 1 for the same texts, everywhere and always (FNV-1a, then mixed).
pub(crate) fn unit_of(left: &str, right: &str) -> f64 {
    to_unit(hash(left.bytes().chain([0xff]).chain(right.bytes())))
}

/// The same UUID for the same text, everywhere and always. Not for secrets.
pub(crate) fn id_of(text: &str) -> Id {
    let low = hash(text.bytes());
    let word = u128::from(mix(low)) << 64 | u128::from(low);
    IdSeed(word.to_le_bytes()).id(0)
}

fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    mix(bytes.fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    }))
}

/// A row of UUIDs that a 128-bit seed determines. A record stores the seed and a number instead of an
/// id per event; both halves are bijections of their half of the seed, so clients collide no more
/// often than their seeds do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdSeed(pub [u8; 16]);

impl IdSeed {
    /// The UUID (version 4) of that number.
    pub fn id(self, number: u64) -> Id {
        let [high, low] = self.halves();
        let high = mix(high.wrapping_add(number.wrapping_mul(GOLDEN)));
        let low = mix(low ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
        Id::random((u128::from(low) << 64 | u128::from(high)).to_le_bytes())
    }

    pub(crate) fn halves(self) -> [u64; 2] {
        let word = u128::from_le_bytes(self.0);
        [word as u64, (word >> 64) as u64]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::prelude::v1::*;

    #[test]
    fn ids_are_version_4_and_distinct() {
        let seeds = [IdSeed([0; 16]), IdSeed([1; 16]), IdSeed([0xff; 16])];
        let ids: HashSet<Id> =
            seeds.iter().flat_map(|seed| (0..10_000).map(|number| seed.id(number))).collect();
        assert_eq!(ids.len(), 30_000);
        assert!(ids.iter().all(|id| id.text().as_bytes()[14] == b'4'));
    }

    #[test]
    fn units_are_even() {
        let mut rng = Rng::new(7);
        let mean = (0..100_000).map(|_| rng.unit()).sum::<f64>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let names = (0..10_000).map(|n| unit_of("session", &n.to_string()));
        let below = names.filter(|unit| *unit < 0.25).count();
        assert!((2_300..2_700).contains(&below), "{below}");
    }

    #[test]
    fn up_to_reaches_both_ends() {
        let mut rng = Rng::new(1);
        let drawn: HashSet<u64> = (0..200).map(|_| rng.up_to(3)).collect();
        assert_eq!(drawn, HashSet::from([0, 1, 2, 3]));
    }
}
