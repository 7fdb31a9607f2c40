//! The vocabulary of Gangway and every pure decision. No I/O, no async, no clock of its own.

pub mod clock;
pub mod customer;
pub mod id;
pub mod identity;
pub mod kind;
pub mod kyb;
pub mod mask;
