//! Diagnostics, each cause told once.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::io::{Command, Diagnostic};
use super::super::random::unit_of;
use super::super::text::first_characters;

/// After so many causes the pipeline falls silent: a hostile host can't fill the memory.
const CAUSES: usize = 256;
/// Characters that are told of a name: it comes from the host and may be of any length.
const SHOWN: usize = 128;

#[derive(Debug, Default)]
pub struct Told {
    causes: Vec<u64>,
}

impl Told {
    /// Appends a diagnostic unless the same code was told of the same field before.
    pub fn tell(
        &mut self,
        commands: &mut Vec<Command>,
        code: &'static str,
        field: &str,
        message: &[&str],
    ) {
        let cause = unit_of(code, field).to_bits();
        if self.causes.contains(&cause) || self.causes.len() >= CAUSES {
            return;
        }
        self.causes.push(cause);
        let diagnostic = Diagnostic {
            code,
            message: message.iter().map(|part| first_characters(part, SHOWN)).collect(),
            field: String::from(first_characters(field, SHOWN)),
        };
        commands.push(Command::Diagnose(diagnostic));
    }
}
