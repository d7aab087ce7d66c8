//! The leader's work: poll the control plane for a manifest, fetch what changed, make it live.
//!
//! Only the VM that holds the lease runs this. It writes shared memory and reads none of the request path's state.
//! Invariant: nothing is written that was not verified, and nothing becomes visible before all of it is there.

mod call;
mod download;
mod floors;
mod lead;
mod leftovers;
mod manifest;
mod repair;

use portcullis_bundle::PublicKey;

use crate::config::Control;
use crate::host::{Host, LogLevel};
use crate::lease::Lease;
use crate::live::Names;
use crate::metrics::Metrics;
use crate::plugin::TICK_MS;
use crate::timer::Timer;

use download::{Download, Kept, Progress};
use lead::Lead;
use leftovers::Leftovers;
use repair::Repair;

/// Seconds a poll may wait at the control plane for something new.
const POLL_WAIT: u32 = 25;
const POLL_TIMEOUT_MS: u32 = 35_000;
const BLOB_TIMEOUT_MS: u32 = 10_000;
/// How long after its timeout a call counts as lost.
const LOST_MS: u32 = 5_000;
/// Ticks for which a version waits for its floors; without them its first requests would be refused.
const FLOOR_TICKS: u32 = 5;
/// Failures are retried after this, doubled each time up to the cap.
const BACKOFF_NANOS: u64 = 100_000_000;
const BACKOFF_CAP: u64 = 1_000_000_000;
/// Fetches at the same time; more would only queue in the proxy.
const AT_ONCE: usize = 8;
/// The same in a VM that serves requests: answers that come together are taken in one turn of its event loop.
const AT_ONCE_BESIDE_REQUESTS: usize = 2;

/// One VM's part in syncing.
#[derive(Debug)]
pub struct Sync {
    control: Control,
    keys: Vec<PublicKey>,
    names: Names,
    /// Seconds after which a manifest is too old to be taken.
    max_age: Option<u64>,
    lease: Option<Lease>,
    phase: Phase,
    /// Ticks since the last call or answer: counted, since the proxy may forget a call and the clock may jump.
    silence: u32,
    retry: Timer,
    failures: u32,
    /// The last poll's token was refused.
    refused: bool,
    /// Whether this VM should lead.
    lead: Lead,
    repair: Repair,
    /// What a failed download leaves to the next.
    kept: Kept,
    /// The version whose floors are there, or are not waited for.
    floors: u64,
    /// Ticks that a download that is complete waits for its floors.
    held: u32,
    leftovers: Leftovers,
    errors: Vec<String>,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Polling(u32),
    Fetching(Box<Download>),
}

/// How far an answer brought things.
enum Step {
    /// More answers are to come.
    Fetching,
    /// What is live is the newest there is.
    Current,
    /// A version went live.
    Applied,
}

impl Sync {
    /// Takes part once ticks begin.
    pub fn new(control: Control, keys: Vec<PublicKey>, names: Names, max_age: Option<u64>) -> Self {
        Self {
            control,
            keys,
            names,
            max_age,
            lease: None,
            phase: Phase::Idle,
            silence: 0,
            retry: Timer::default(),
            failures: 0,
            refused: false,
            lead: Lead::default(),
            repair: Repair::default(),
            kept: Kept::default(),
            floors: 0,
            held: 0,
            leftovers: Leftovers::default(),
            errors: Vec::new(),
        }
    }

    /// How the control plane is reached.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// This VM's number, once it has one.
    pub fn vm(&self) -> u64 {
        self.lease.as_ref().map_or(0, Lease::owner)
    }

    /// The names of what is shared.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether this VM leads, as of its last bid. Every tick begins with one.
    pub fn leads(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::was_won)
    }

    /// Takes another number: somebody took this VM for dead.
    pub fn enter_again(&mut self, host: &impl Host) {
        self.leave();
        self.lease = Lease::enter(host, &self.names);
    }

    /// Takes what went wrong since last asked.
    pub fn take_errors(&mut self) -> Vec<String> {
        core::mem::take(&mut self.errors)
    }

    /// Bids for the lease and, holding it, keeps things moving.
    pub fn tick(&mut self, host: &impl Host, metrics: &mut Metrics) {
        if self.lease.is_none() {
            self.lease = Lease::enter(host, &self.names);
        }
        let fetching = matches!(self.phase, Phase::Fetching(_));
        if !self.lease.as_mut().is_some_and(|lease| self.lead.bid(host, &self.names, lease, fetching)) {
            self.leave();
            return;
        }
        let now = host.now_nanos();
        self.empty_leftovers(host, now);
        if self.repair.look(host, &self.names, now) {
            self.kept = Kept::default();
            if matches!(self.phase, Phase::Polling(_)) {
                // Requests fail meanwhile; what the poll waits for can be asked for again.
                self.phase = Phase::Idle;
            }
        }
        self.give_up_on_lost_calls(host, metrics);
        self.held += 1;
        self.release(host, metrics);
        if matches!(self.phase, Phase::Idle) && self.retry.is_due(now) {
            if core::mem::take(&mut self.refused) {
                self.stand_back(host);
            } else {
                self.poll(host, metrics);
            }
        }
    }

    /// Another VM leads. What was under way is its business now. Replaced parts that were not emptied yet stay until
    /// their shard changes again and takes their slot: there are two slots, so one spare copy at most (and one under
    /// each layout that was given up at such a moment; the sizes double from one layout to the next).
    fn leave(&mut self) {
        self.phase = Phase::Idle;
        self.kept = Kept::default();
        self.leftovers.clear();
        self.repair.leave();
    }

    /// Leaves the lead to a VM whose token counts, if there is one: after an update, plugins with the old token and
    /// with the new one live side by side until the old listener has drained.
    fn stand_back(&mut self, host: &impl Host) {
        if let Some(lease) = &mut self.lease {
            self.lead.give_up(host, &self.names, lease);
        }
        self.leave();
    }

    /// This VM serves requests, as of now.
    pub fn serves(&mut self) {
        self.lead.serves();
    }

    fn give_up_on_lost_calls(&mut self, host: &impl Host, metrics: &mut Metrics) {
        let timeout_ms = match &self.phase {
            Phase::Idle => return,
            Phase::Polling(_) => POLL_TIMEOUT_MS,
            Phase::Fetching(_) => BLOB_TIMEOUT_MS,
        };
        self.silence += 1;
        if self.silence > (timeout_ms + LOST_MS) / TICK_MS {
            if let Phase::Fetching(download) = core::mem::replace(&mut self.phase, Phase::Idle) {
                self.kept = download.kept();
            }
            self.fail(host, metrics, "the control plane's answer never came".into());
        }
    }

    /// An answer arrived. Tells whether something became live.
    pub fn answered(
        &mut self,
        host: &impl Host,
        metrics: &mut Metrics,
        token: u32,
        headers: usize,
        body: usize,
    ) -> bool {
        let step = match core::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Polling(expected) if expected == token => {
                self.refused = call::is_refused(host, headers);
                self.manifest(host, headers, body).and_then(|download| match download {
                    Some(download) => self.advance(host, download),
                    None => Ok(Step::Current),
                })
            }
            Phase::Fetching(mut download) if download.expects(token) => self.holding(host).and_then(|()| {
                download.accept(host, &self.names, token, call::answer(host, headers, body));
                self.advance(host, download)
            }),
            other => {
                self.phase = other;
                return false;
            }
        };
        self.silence = 0;
        self.finish(host, metrics, step)
    }

    /// Draws the consequences of a step. Tells whether something became live.
    fn finish(&mut self, host: &impl Host, metrics: &mut Metrics, step: Result<Step, String>) -> bool {
        match step {
            Ok(Step::Fetching) => false,
            Ok(Step::Current) => {
                self.succeeded();
                false
            }
            Ok(Step::Applied) => {
                self.succeeded();
                metrics.synced();
                self.poll(host, metrics);
                true
            }
            Err(problem) => {
                self.fail(host, metrics, problem);
                false
            }
        }
    }

    /// Carries a download on, or ends it.
    fn advance(&mut self, host: &impl Host, mut download: Box<Download>) -> Result<Step, String> {
        let at_once = if self.lead.is_beside_requests() { AT_ONCE_BESIDE_REQUESTS } else { AT_ONCE };
        match download.advance(at_once, |path| call::get(host, &self.control, path, BLOB_TIMEOUT_MS)) {
            Progress::Fetching => {
                self.phase = Phase::Fetching(download);
                Ok(Step::Fetching)
            }
            Progress::Broken(problem) => {
                self.kept = download.kept();
                Err(problem)
            }
            Progress::Complete if self.floors < download.version() => {
                self.held = 0;
                self.phase = Phase::Fetching(download);
                Ok(Step::Fetching)
            }
            Progress::Complete => {
                self.holding(host)?;
                download.commit(host, &self.names)?;
                let (old, new) = download.versions();
                self.leftovers.add(host.now_nanos(), old, new);
                self.repair.applied(host, &self.names, download.version(), download.is_forced());
                Ok(Step::Applied)
            }
        }
    }

    fn holding(&self, host: &impl Host) -> Result<(), String> {
        let held = self.lease.as_ref().is_some_and(|lease| lease.is_held(host.now_nanos()));
        held.then_some(()).ok_or_else(|| "the lease ran out".into())
    }

    fn poll(&mut self, host: &impl Host, metrics: &mut Metrics) {
        let since = if self.repair.wanted() { 0 } else { self.header(host).live.map_or(0, |live| live.version) };
        let path = format!("/edge/v1/manifest?since={since}&wait={POLL_WAIT}");
        self.silence = 0;
        match call::get(host, &self.control, &path, POLL_TIMEOUT_MS) {
            Ok(token) => self.phase = Phase::Polling(token),
            Err(problem) => self.fail(host, metrics, problem),
        }
    }

    fn empty_leftovers(&mut self, host: &impl Host, now: u64) {
        // Parts being written, or kept for the next download, stand in the same slots; these wait.
        if matches!(self.phase, Phase::Fetching(_)) || !self.kept.is_empty() || !self.leftovers.are_due(now) {
            return;
        }
        if let (Some(live), Some(lease)) = (self.header(host).live, &self.lease) {
            self.leftovers.empty_some(host, &self.names, lease, &live);
        }
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.retry = Timer::default();
    }

    fn fail(&mut self, host: &impl Host, metrics: &mut Metrics, problem: String) {
        let now = host.now_nanos();
        let wait = BACKOFF_NANOS.saturating_mul(1 << self.failures.min(8)).min(BACKOFF_CAP);
        // Clock noise is jitter enough to keep a fleet from knocking in step.
        self.retry = Timer::start(now, wait / 2 + now % (wait / 2));
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Idle;
        metrics.sync_error();
        if self.failures.is_power_of_two() {
            host.log(LogLevel::Warn, format_args!("sync failed ({} times): {problem}", self.failures));
        }
        self.remember(problem);
    }

    fn remember(&mut self, problem: String) {
        if self.errors.len() < 8 {
            self.errors.push(problem);
        }
    }
}
