//! The sans-IO core: a state machine without clock, randomness, JavaScript or IO of its own.
//!
//! The driver's rule: *input, handle, carry out every command, arm one timer at `wake_at`, wait.*

#[cfg(feature = "ablation")]
pub mod ablation;
pub mod body;
pub mod codec;
pub mod config;
pub mod context;
pub mod format;
pub mod gzip;
pub mod io;
pub mod json;
pub mod ledger;
pub mod otlp;
pub mod pipeline;
pub mod planted;
pub mod random;
pub mod record;
pub mod retry;
pub mod shapes;
pub mod store;
pub mod text;
pub mod time;
pub mod url;
