//! The program as its users meet it: a process with arguments, files and an environment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod bad_input;
mod demo;
mod deploy;
mod doctor;
mod doctor_redis;
mod event_schemas;
mod folder;
mod lost_store;
mod pipeline;
mod queue;
mod redis_stories;
mod stories;
