//! What comes from outside, fed with anything: each module's `check` takes bytes and panics if a promise does not hold.
//!
//! `cargo xtask fuzz` looks for such bytes, with nightly Rust and `cargo fuzz`; `tests/corpus.rs` replays what it has found
//! to be of interest with each run of the tests.

pub mod api_answers;
pub mod config_loader;
pub mod csv_import;
pub mod event_decoding;
pub mod hmac_header;

/// The settings belong to the program, which is no library; they know nothing of the rest of it.
#[allow(dead_code, unexpected_cfgs, reason = "only what reads settings is of interest here")]
#[path = "../../crates/gangway/src"]
mod program {
    pub(crate) mod settings;
}

/// A target's name, and what it does with some bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 5] = [
    ("api_answers", api_answers::check),
    ("config_loader", config_loader::check),
    ("csv_import", csv_import::check),
    ("event_decoding", event_decoding::check),
    ("hmac_header", hmac_header::check),
];
