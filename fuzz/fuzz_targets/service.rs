//! See `portcullis_testkit::fuzz::service`.
#![no_main]

use portcullis_testkit::fuzz;
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::service(data));
