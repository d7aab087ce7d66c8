//! Any bytes are a configuration that can be run, or are refused.
#![no_main]

use portcullis_filter::config::Config;
libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(Config::parse(data, |_| None)));
