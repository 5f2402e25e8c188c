using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "shop", worker = .shop),
    (name = "internet", network = (allow = ["public", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "shop")],
);

const shop :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "dist/worker.js"),
    (name = "wasm-telemetry.wasm", wasm = embed "dist/wasm-telemetry.wasm"),
  ],
  compatibilityDate = "2026-01-01",
  bindings = [(name = "TELEMETRY_URL", fromEnvironment = "TELEMETRY_URL")],
);
