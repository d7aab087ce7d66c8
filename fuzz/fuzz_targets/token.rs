//! See `portcullis_testkit::fuzz::token`.
#![no_main]

use portcullis_testkit::fuzz;
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::token(data));
