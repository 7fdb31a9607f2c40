//! The vocabulary of Gangway and every pure decision. No I/O, no async, no clock of its own.

pub mod circuit;
pub mod clock;
pub mod customer;
pub mod enqueue;
pub mod event;
pub mod failure;
pub mod id;
pub mod identity;
pub mod job;
pub mod kind;
pub mod kyb;
pub mod limits;
pub mod mask;
pub mod onboarding;
pub mod outcome;
pub mod payload;
#[cfg(feature = "planted")]
pub mod planted;
pub mod poll;
pub mod refusal;
pub mod retry;
pub mod signal;
pub mod transition;
