//! The producer as a whole: made-up files read back, imported, killed, imported again.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod at_once;
mod broken;
mod import;
mod kill;
mod sample;
mod submit;
mod world;
