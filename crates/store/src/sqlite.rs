//! The embedded store (in work).
