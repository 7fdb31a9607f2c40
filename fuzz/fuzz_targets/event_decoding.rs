//! See [`gangway_fuzz::event_decoding`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gangway_fuzz::event_decoding::check(data));
