//! A first-party event logger for JavaScript programs.
//!
//! [`core`] decides everything and touches nothing: events, times and outcomes go in, commands come
//! out. `edge`, on wasm32, carries the commands out with `fetch`, IndexedDB and timers.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(not(feature = "bare"))]
extern crate std;

pub mod core;

#[cfg(all(target_arch = "wasm32", feature = "decoder"))]
pub mod decoder;
#[cfg(all(target_arch = "wasm32", not(feature = "decoder")))]
pub mod edge;

#[cfg(all(target_arch = "wasm32", feature = "bare"))]
mod bare;
