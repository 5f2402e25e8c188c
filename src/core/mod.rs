//! The sans-IO core: a state machine without clock, randomness, JavaScript or IO of its own.
//!
//! The driver's rule: *input, handle, carry out every command, arm one timer at `wake_at`, wait.*
//!
//! A driver in a few lines, with a store in memory and an endpoint that can't be reached:
//!
//! ```
//! use wasm_telemetry::core::config::{Layer, Setting, Value};
//! use wasm_telemetry::core::io::{Command, Field, Input, Outcome};
//! use wasm_telemetry::core::pipeline::{Pipeline, Setup};
//! use wasm_telemetry::core::store::MemoryStore;
//! use wasm_telemetry::core::time::{Millis, Now, UnixMillis};
//!
//! let clock = |mono| Now { mono, wall: UnixMillis(1_767_323_045_678).plus(mono.0) };
//! let mut now = clock(Millis(0));
//! // The seed is to come from a cryptographic source.
//! let setup = Setup { seed: [7; 32], enabled: true, ..Setup::default() };
//! let mut pipeline = Pipeline::new(now, setup);
//! let mut store = MemoryStore::default();
//! let mut commands = Vec::new();
//!
//! let base_url = Value::Text("https://telemetry.example.com");
//! let settings = [Setting::Batch { name: "baseUrl", value: base_url }];
//! pipeline.configure(now, Layer::Options, &settings, &mut commands);
//! pipeline.handle(now, Input::StoreReady, &mut commands);
//! let fields = [("step", Field::Number(1.0))];
//! let event = Input::Event { at: now.wall, name: "started", fields: &fields };
//! pipeline.handle(now, event, &mut commands);
//!
//! let mut sent = Vec::new();
//! while sent.is_empty() {
//!     for command in std::mem::take(&mut commands) {
//!         let input = match command {
//!             Command::Store { id, op } => Input::Stored { id, result: store.apply(op) },
//!             Command::Export(export) => {
//!                 sent.push(String::from_utf8(export.body).unwrap());
//!                 Input::Exported { id: export.id, outcome: Outcome::NetworkError }
//!             }
//!             _ => continue,
//!         };
//!         pipeline.handle(now, input, &mut commands);
//!     }
//!     // A real driver sleeps until then.
//!     now = clock(pipeline.wake_at().unwrap_or(now.mono));
//!     pipeline.handle(now, Input::Wake, &mut commands);
//! }
//! assert!(sent[0].contains(r#""event_name":"started""#));
//! ```

#[cfg(feature = "ablation")]
#[doc(hidden)]
pub mod ablation;
pub mod codec;
pub mod config;
pub mod context;
pub mod declared;
pub mod format;
pub mod gzip;
pub mod id;
pub mod io;
pub mod json;
pub mod ledger;
pub mod otlp;
pub mod pipeline;
#[doc(hidden)]
pub mod planted;
pub mod random;
pub mod record;
pub mod retry;
pub mod shapes;
pub mod store;
pub(crate) mod text;
pub mod time;
mod url;
pub mod wire;
