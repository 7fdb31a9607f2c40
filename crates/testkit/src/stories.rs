//! Stories about whole processes: what the documentation promises, told with real kills, real files and real sockets.
//!
//! Each takes its size as an argument, so that a test can tell it small and `cargo xtask prove` at full size. Each ends in
//! the same [`accounts`].

pub mod accounts;
pub mod crew;
pub mod failover;
pub mod fleet;
pub mod frozen;
pub mod held;
pub mod kills;
pub mod logs;
pub mod lost_second;
pub mod memory;
pub mod outage;
pub mod refusals;
pub mod repeats;
pub mod stampede;
pub mod watch;
