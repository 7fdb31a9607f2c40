//! The kit's own tests: that its Redis servers are real, do as they are told, and leave nothing behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cluster;
mod orphans;
mod sentinels;
mod server;

use std::time::{Duration, Instant};

/// Waits for something that comes soon.
fn soon(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process of that id is there.
fn lives(pid: u32) -> bool {
    let mut ask = std::process::Command::new("kill");
    ask.args(["-0", &pid.to_string()]).stderr(std::process::Stdio::null());
    ask.status().unwrap().success()
}
