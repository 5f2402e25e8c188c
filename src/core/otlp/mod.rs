//! What an endpoint of OTLP answers.

pub mod response;
