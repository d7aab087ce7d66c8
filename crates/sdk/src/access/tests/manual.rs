//! A clock that stands still until it is moved; who sleeps moves it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// See above.
#[derive(Debug)]
pub(crate) struct Manual {
    now: Mutex<Instant>,
    slept: Mutex<Vec<Duration>>,
}

impl Default for Manual {
    fn default() -> Self {
        Self { now: Mutex::new(Instant::now()), slept: Mutex::default() }
    }
}

impl Manual {
    pub(crate) fn now(&self) -> Instant {
        *self.now.lock().unwrap()
    }

    pub(crate) fn sleep(&self, duration: Duration) {
        self.slept.lock().unwrap().push(duration);
        self.advance(duration);
    }

    pub(crate) fn advance(&self, duration: Duration) {
        *self.now.lock().unwrap() += duration;
    }

    /// In whole milliseconds.
    pub(crate) fn slept(&self) -> Vec<u128> {
        self.slept.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}
