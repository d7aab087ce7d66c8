//! See `portcullis_testkit::fuzz::skills`.
#![no_main]

use portcullis_testkit::fuzz;
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::skills(data));
