//! A WebAssembly program of its own, with its own JavaScript interface, that logs from Rust.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen::prelude::*;
use wasm_telemetry::core::io::Field;
use wasm_telemetry::edge::Client;

/// What a visitor is about to buy.
#[wasm_bindgen]
pub struct Basket {
    telemetry: Client,
    prices: Vec<f64>,
}

#[wasm_bindgen]
impl Basket {
    /// Takes what the npm package's `init` takes.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<Self, JsValue> {
        let telemetry = Client::new(options, &JsValue::UNDEFINED)?;
        telemetry.log("basket_opened", &[]);
        Ok(Self { telemetry, prices: Vec::new() })
    }

    pub fn add(&mut self, price: f64) {
        self.prices.push(price);
        let items = self.prices.len() as f64;
        let fields = [("price", Field::Number(price)), ("items", Field::Number(items))];
        self.telemetry.log("item_added", &fields);
    }

    /// Gives a promise, of what became of the events.
    pub fn buy(self) -> Result<JsValue, JsValue> {
        let total = self.prices.iter().sum();
        let fields = [("total", Field::Number(total)), ("currency", Field::Text("EUR"))];
        self.telemetry.log("bought", &fields);
        self.telemetry.shutdown(10_000.0).unwrap_or_default()
    }
}
