//! What a decision costs in instructions under a policy and over a bundle of some size.
//!
//! It measures and judges nothing. Invariant: for every size the same questions are asked in the same order.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use portcullis_testkit::Size;

use crate::config::{Config, EDGE_TOKEN, START_OF_TIME_NS, plugin_configuration};
use crate::fake_control::ControlPlane;
use crate::module::Module;
use crate::process::Process;
use crate::request::Request;

/// Buckets that are asked for keys, beside one for what is fetched once, whoever asks. A thousand keys have just as many.
const BUCKETS: usize = 15;
/// How long the bundle may take, in ticks.
const TICKS: usize = 3000;
const TICK: Duration = Duration::from_millis(100);

/// Instructions of one request, in the mean of some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions {
    /// With a key whose bucket the worker does not have yet.
    pub cold: u64,
    /// With a key that was not seen lately, of a bucket that the worker has.
    pub cached: u64,
    /// With a key that was seen lately.
    pub known: u64,
}

impl Instructions {
    /// Measures them.
    ///
    /// # Errors
    ///
    /// When the module does not start, or refuses what every key may get.
    pub fn of(size: Size, module: &Module) -> Result<Self> {
        let pairs = size.pairs(BUCKETS + 1)?;
        let ([warm, _], pairs) = pairs.split_first().context("no keys")?;
        let mut process = enforcing(size, module, warm)?;
        let mut sums = [0; 3];
        for [first, second] in pairs {
            for (sum, key) in sums.iter_mut().zip([first, second, second]) {
                *sum += ask(&mut process, key)?;
            }
        }
        let [cold, cached, known] = sums.map(|sum| sum / pairs.len().max(1) as u64);
        Ok(Self { cold, cached, known })
    }
}

/// One worker that has the bundle.
fn enforcing(size: Size, module: &Module, key: &str) -> Result<Process> {
    let mut plane = ControlPlane::new(EDGE_TOKEN);
    plane.publish(&size.bundle(START_OF_TIME_NS / 1_000_000_000)?);
    let config = Config { workers: 1, plugin_configuration: plugin_configuration(""), ..Config::default() };
    let mut process = Process::start(module, config)?;
    for _ in 0..TICKS {
        process.advance(TICK);
        process.tick_all();
        while process.deliver(&plane) {}
        if ask(&mut process, key).is_ok() {
            return Ok(process);
        }
    }
    anyhow::bail!("{} keys are not enforced after {TICKS} ticks", size.keys)
}

/// What an allowed request cost.
fn ask(process: &mut Process, key: &str) -> Result<u64> {
    let status = process.request(0, Request::get(Size::PATH).bearer(key)).status();
    ensure!(status == Some(200), "a key that may read got {status:?}");
    Ok(process.exchange(0).fuel)
}
