//! Stories about whole processes: what the documentation promises, told with real kills, real files and real sockets.
//!
//! Each takes its size as an argument, so that a test can tell it small and `cargo xtask prove` at full size. Each ends in
//! the same [`accounts`].

pub mod accounts;
pub mod kills;
pub mod memory;
pub mod refusals;
pub mod repeats;
