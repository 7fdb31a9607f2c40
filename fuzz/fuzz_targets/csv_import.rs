//! See [`gangway_fuzz::csv_import`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gangway_fuzz::csv_import::check(data));
