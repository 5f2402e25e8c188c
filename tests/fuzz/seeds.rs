//! Records as pipelines really write them: where the fuzzing of records begins.

use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::context::{ContextPatch, Identity, Scalar, Slot};
use wasm_telemetry::core::io::{Command, Exposure, Field, Input, Leaving};
use wasm_telemetry::core::pipeline::{Pipeline, Setup};
use wasm_telemetry::core::shapes::{FieldKind, Staged};
use wasm_telemetry::core::store::StoreOp;
use wasm_telemetry::core::time::{Millis, Now, UnixMillis};

/// One of plain events, and one with everything that a record can hold.
pub fn records() -> Vec<Vec<u8>> {
    [false, true].into_iter().map(record).collect()
}

fn record(everything: bool) -> Vec<u8> {
    let now = Now { mono: Millis(1), wall: UnixMillis(1_767_323_045_678) };
    let resource = vec![
        (String::from("service.name"), Scalar::Text("shop".into())),
        (String::from("host.cpus"), Scalar::Number(8.0)),
        (String::from("beta"), Scalar::Bool(true)),
    ];
    let mut pipeline = Pipeline::new(now, Setup { enabled: true, resource, ..Setup::default() });
    let mut commands = Vec::new();
    let rate =
        Setting::Sampling { event: "sampled", rate: Value::Number(0.999), by: Value::Absent };
    pipeline.configure(now, Layer::Options, &[rate], &mut commands);
    let mut give = |pipeline: &mut Pipeline, input: Input<'_>| {
        pipeline.handle(now, input, &mut commands);
    };
    give(&mut pipeline, Input::StoreReady);
    let at = now.wall;
    for n in [1.0, -17.0, 0.1, 1e300] {
        let fields = [("n", Field::Number(n)), ("ok", Field::Bool(n > 0.0))];
        give(&mut pipeline, Input::Event { at: at.plus(n as u64), name: "plain", fields: &fields });
    }
    if everything {
        // A drop, which the batch reports.
        give(&mut pipeline, Input::Event { at, name: "", fields: &[] });
        let patches = [
            ContextPatch {
                slot: Slot::Core("environment"),
                value: Some(Scalar::Text("production".into())),
            },
            ContextPatch { slot: Slot::User("plan"), value: Some(Scalar::Number(2.0)) },
            ContextPatch { slot: Slot::User("staff"), value: Some(Scalar::Bool(false)) },
            ContextPatch {
                slot: Slot::Identity(Identity::UserId),
                value: Some(Scalar::Text("u-1".into())),
            },
        ];
        give(&mut pipeline, Input::Context(&patches));
        let fields = [("text", Field::Text("läuft \"gut\"\n🦀")), ("n", Field::Number(3.0))];
        give(&mut pipeline, Input::Event { at: UnixMillis(0), name: "texts", fields: &fields });
        let shape = pipeline.shape("shaped", &[("n", FieldKind::Number), ("b", FieldKind::Bool)]);
        let shape = shape.expect("a shape");
        give(&mut pipeline, Input::Shaped(Staged { at, shape, values: &[7.5, 1.0] }));
        let exposure = Exposure {
            experiment_id: "new-nav",
            variation_id: 1,
            session_id: Some("s-1"),
            user_attributes: Some("{\"a\":1}"),
            experiment_metadata: None,
        };
        give(&mut pipeline, Input::Exposure { at, exposure });
    }
    give(&mut pipeline, Input::Event { at, name: "sampled", fields: &[] });
    give(&mut pipeline, Input::Leaving(Leaving::Process));
    let put = |command| match command {
        Command::Store { op: StoreOp::Put { bytes, .. }, .. } => Some(bytes),
        _ => None,
    };
    commands.into_iter().filter_map(put).next_back().expect("who leaves stores")
}
