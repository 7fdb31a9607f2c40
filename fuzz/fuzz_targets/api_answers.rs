//! See [`gangway_fuzz::api_answers`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gangway_fuzz::api_answers::check(data));
