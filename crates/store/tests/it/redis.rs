//! What only the Redis store could do wrong: several processes at once, a server that comes back another, replies that are
//! lost, values that nobody can read.
//!
//! Each [`open`](place::Place::open) is a process of its own: nothing but the server connects two of them.

pub(crate) mod audit;
mod batches;
mod bounds;
mod clock;
mod damage;
mod full;
mod hammer;
mod life;
mod place;
mod race;
mod several;
mod waking;
