//! The leader's work: poll the control plane for a manifest, fetch what changed, make it live.
//!
//! Only the VM that holds the lease runs this. It writes shared memory and reads none of the request path's state.
//! Invariant: nothing is written that was not verified, and nothing becomes visible before all of it is there.

mod download;

use portcullis_bundle::{Manifest, PublicKey, verify};

use crate::config::Control;
use crate::host::{Callout, Expect, Host};
use crate::lease::Lease;
use crate::live::{Live, Names};
use crate::metrics::Metrics;

use download::{Download, Progress};

/// Seconds a poll may wait at the control plane for something new.
const POLL_WAIT: u32 = 25;
const POLL_TIMEOUT_MS: u32 = 35_000;
const BLOB_TIMEOUT_MS: u32 = 10_000;
/// Failures are retried after this, doubled each time up to the cap.
const BACKOFF_NANOS: u64 = 100_000_000;
const BACKOFF_CAP: u64 = 1_000_000_000;
/// How long a replaced part stays for workers that have not looked at the header yet.
const GRACE_NANOS: u64 = 1_000_000_000;

/// One VM's part in syncing.
#[derive(Debug)]
pub struct Sync {
    control: Control,
    keys: Vec<PublicKey>,
    names: Names,
    lease: Option<Lease>,
    phase: Phase,
    retry_at: u64,
    failures: u32,
    /// Fetch every part again, whatever the header says.
    force: bool,
    /// Names of replaced parts, with when they may be emptied.
    replaced: Vec<(u64, Vec<String>)>,
    errors: Vec<String>,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Polling(u32),
    Fetching(Box<Download>),
}

/// What the header says and the number it was read with.
struct Header {
    live: Option<Live>,
    expect: Expect,
}

impl Sync {
    /// Takes part once ticks begin.
    pub fn new(control: Control, keys: Vec<PublicKey>, names: Names) -> Self {
        Self {
            control,
            keys,
            names,
            lease: None,
            phase: Phase::Idle,
            retry_at: 0,
            failures: 0,
            force: false,
            replaced: Vec::new(),
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

    /// Takes what went wrong since last asked.
    pub fn take_errors(&mut self) -> Vec<String> {
        core::mem::take(&mut self.errors)
    }

    /// Bids for the lease and, holding it, keeps things moving.
    pub fn tick(&mut self, host: &impl Host, metrics: &mut Metrics) {
        if self.lease.is_none() {
            self.lease = Lease::enter(host, &self.names);
        }
        let leads = self.lease.as_mut().is_some_and(|lease| lease.bid(host, &self.names));
        if !leads {
            self.phase = Phase::Idle;
            self.replaced.clear();
            return;
        }
        let now = host.now_nanos();
        self.empty_replaced(host, now);
        if matches!(self.phase, Phase::Idle) && now >= self.retry_at {
            self.check_repair(host);
            self.poll(host, metrics);
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
        match core::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Polling(expected) if expected == token => {
                let outcome = self.manifest(host, headers, body);
                self.proceed(host, metrics, outcome)
            }
            Phase::Fetching(mut download) if download.expects(token) => {
                let outcome = answer(host, headers, body).and_then(|bytes| {
                    self.holding(host).and_then(|()| download.accept(host, &self.names, token, &bytes))
                });
                let outcome = outcome.map(|()| Some(download));
                self.proceed(host, metrics, outcome)
            }
            other => {
                self.phase = other;
                false
            }
        }
    }

    /// Carries a download on, or ends it, or reports what went wrong.
    fn proceed(
        &mut self,
        host: &impl Host,
        metrics: &mut Metrics,
        outcome: Result<Option<Box<Download>>, String>,
    ) -> bool {
        match outcome.and_then(|download| self.advance(host, download)) {
            Ok(applied) => {
                self.failures = 0;
                self.retry_at = 0;
                if applied {
                    metrics.synced();
                    self.poll(host, metrics);
                }
                applied
            }
            Err(problem) => {
                self.fail(host, metrics, problem);
                false
            }
        }
    }

    fn advance(&mut self, host: &impl Host, download: Option<Box<Download>>) -> Result<bool, String> {
        let Some(mut download) = download else { return Ok(false) };
        let start = |path: &str| dispatch(host, &self.control, path, BLOB_TIMEOUT_MS);
        match download.advance(start)? {
            Progress::Fetching => {
                self.phase = Phase::Fetching(download);
                Ok(false)
            }
            Progress::Complete => {
                self.holding(host)?;
                let replaced = download.commit(host, &self.names)?;
                self.replaced.push((host.now_nanos() + GRACE_NANOS, replaced));
                self.force = false;
                Ok(true)
            }
        }
    }

    fn holding(&self, host: &impl Host) -> Result<(), String> {
        let held = self.lease.as_ref().is_some_and(|lease| lease.is_held(host.now_nanos()));
        held.then_some(()).ok_or_else(|| "the lease ran out".into())
    }

    fn poll(&mut self, host: &impl Host, metrics: &mut Metrics) {
        let since = if self.force { 0 } else { self.header(host).live.map_or(0, |live| live.version) };
        let path = format!("/edge/v1/manifest?since={since}&wait={POLL_WAIT}");
        match dispatch(host, &self.control, &path, POLL_TIMEOUT_MS) {
            Ok(token) => self.phase = Phase::Polling(token),
            Err(problem) => self.fail(host, metrics, problem),
        }
    }

    /// What to fetch for the manifest that arrived; `None` if nothing.
    fn manifest(&mut self, host: &impl Host, headers: usize, body: usize) -> Result<Option<Box<Download>>, String> {
        let bytes = answer(host, headers, body)?;
        let manifest = verify(&bytes, &self.keys).map_err(|error| format!("manifest refused: {error}"))?;
        let header = self.header(host);
        if let Some(live) = &header.live {
            if manifest.version < live.version {
                return Err(format!("manifest refused: version {} after {}", manifest.version, live.version));
            }
            if manifest.version == live.version && !self.force {
                self.vouch(host, &manifest, live, header.expect)?;
                return Ok(None);
            }
        }
        Ok(Some(Box::new(Download::plan(manifest, bytes, header.live, header.expect, self.force))))
    }

    /// Nothing changed, but the control plane vouches for the bundle anew.
    fn vouch(&self, host: &impl Host, manifest: &Manifest, live: &Live, expect: Expect) -> Result<(), String> {
        if manifest.issued_at <= live.issued_at {
            return Ok(());
        }
        self.holding(host)?;
        let fresh = Live { issued_at: manifest.issued_at, ..live.clone() };
        let json = serde_json::to_vec(&fresh).map_err(|error| error.to_string())?;
        host.set_shared(&self.names.header(), &json, expect).map_err(|_| "another VM wrote first".to_string())
    }

    fn header(&self, host: &impl Host) -> Header {
        match host.shared(&self.names.header()) {
            Some(shared) => {
                Header { live: serde_json::from_slice(&shared.value).ok(), expect: Expect::Unchanged(shared.cas) }
            }
            None => Header { live: None, expect: Expect::Absent },
        }
    }

    fn check_repair(&mut self, host: &impl Host) {
        if host.shared(&self.names.repair()).is_some_and(|shared| !shared.value.is_empty()) {
            self.force = host.set_shared(&self.names.repair(), b"", Expect::Anything).is_ok();
        }
    }

    fn empty_replaced(&mut self, host: &impl Host, now: u64) {
        // Parts being written stand in the same slots; a download that runs makes these wait.
        if matches!(self.phase, Phase::Fetching(_)) {
            return;
        }
        let (due, waiting) = core::mem::take(&mut self.replaced).into_iter().partition(|(at, _)| *at <= now);
        self.replaced = waiting;
        let due: Vec<(u64, Vec<String>)> = due;
        if due.is_empty() {
            return;
        }
        let in_use = self.header(host).live.map(|live| live.names(&self.names)).unwrap_or_default();
        for name in due.into_iter().flat_map(|(_, names)| names).filter(|name| !in_use.contains(name)) {
            // Nothing depends on the space being free.
            let _ = host.set_shared(&name, b"", Expect::Anything);
        }
    }

    fn fail(&mut self, host: &impl Host, metrics: &mut Metrics, problem: String) {
        let now = host.now_nanos();
        let wait = BACKOFF_NANOS.saturating_mul(1 << self.failures.min(8)).min(BACKOFF_CAP);
        // Clock noise is jitter enough to keep a fleet from knocking in step.
        self.retry_at = now + wait / 2 + now % (wait / 2);
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Idle;
        metrics.sync_error();
        if self.failures.is_power_of_two() {
            host.log(crate::host::LogLevel::Warn, format_args!("sync failed ({} times): {problem}", self.failures));
        }
        if self.errors.len() < 8 {
            self.errors.push(problem);
        }
    }
}

/// Starts a GET of the control plane.
fn dispatch(host: &impl Host, control: &Control, path: &str, timeout_ms: u32) -> Result<u32, String> {
    let authorization = control.token.authorization();
    let headers = [
        (":method", "GET"),
        (":path", path),
        (":authority", control.authority.as_str()),
        ("authorization", authorization.as_str()),
    ];
    let call = Callout { cluster: &control.cluster, headers: &headers, body: &[], timeout_ms };
    host.dispatch(&call).map_err(|_| format!("cluster `{}` takes no calls", control.cluster))
}

/// The body of a good answer. No headers at all means that the call failed midway; other statuses may be made up by
/// the proxy itself.
fn answer(host: &impl Host, headers: usize, body: usize) -> Result<Vec<u8>, String> {
    if headers == 0 {
        return Err("the control plane's answer broke off".into());
    }
    match host.callout_header(":status").as_deref() {
        Some(b"200") => host.callout_body(body).ok_or_else(|| "the control plane's answer has no body".into()),
        status => {
            let status = String::from_utf8_lossy(status.unwrap_or_default()).into_owned();
            Err(format!("the control plane answered {status}"))
        }
    }
}
