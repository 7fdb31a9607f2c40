//! See [`gangway_fuzz::hmac_header`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gangway_fuzz::hmac_header::check(data));
