//! The worker against a scripted API: each handler as a table, then whole workers on a store in memory.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and a plan names only the calls that go wrong"
)]

mod create;
mod create_doubt;
mod create_trouble;
mod embedded;
mod fixtures;
mod handler;
mod limits;
mod link;
mod living_api;
mod moody_store;
mod outage;
mod plant;
mod poll;
mod scripted_api;
mod shutdown;
mod whole;
