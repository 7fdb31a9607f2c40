//! The checker, run on the protocol with all its rules, and on each rule switched off.

mod mutants;
mod scenarios;
mod worlds;
