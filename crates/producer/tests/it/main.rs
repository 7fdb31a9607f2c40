//! The producer as a whole: made-up files read back, imported, killed, imported again.

mod at_once;
mod broken;
mod import;
mod kill;
mod sample;
mod submit;
mod world;
