//! The whole pipeline on one thread, driven by a seed.
//!
//! Real code does the work: the producer reads rows and hands them in, the worker's handlers make their calls, the
//! embedded store (in memory, without its threads) or the model keeps everything, the simulated API does what it does. What
//! is played is all around them: time, the network, crashes, people. One chance decides what happens next, so a seed
//! names a run, and the same seed gives the same run.
//!
//! After each step the books (`audit`) are compared with what is stored. After the last one all faults end, and everything
//! that was begun must come to its end.

mod act;
mod audit;
mod chance;
mod consumer;
mod heal;
mod importer;
mod network;
mod people;
mod profile;
mod run;
mod time;
mod trace;
mod violation;
mod worker;
mod world;

pub use run::{Kind, Options, Report, run};
pub use violation::Violation;
