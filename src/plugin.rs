//! One plugin in one VM: its configuration, its view of the bundle, its ticks.
//!
//! `on_configure` only reads shared memory, since it also runs in a VM that dies at once; leases, counters and calls
//! begin with the first tick. Invariant: a plugin that exists can answer every request.

use portcullis_bundle::Archive;
use portcullis_engine::Reason;

use crate::config::{Config, ConfigError, Source};
use crate::filter::{self, Action};
use crate::host::Host;
use crate::journal::Journal;
use crate::limits::{Heard, Keeper, Limits, Place};
use crate::live::Names;
use crate::pairs::{self, Pair};
use crate::reporter::{Desk, Reporter};
use crate::store::{Refresh, Store};
use crate::sync::Sync;
use crate::timer::{SECOND, Timer};
use crate::waiting::Waiting;

/// How often a VM looks for a new version.
pub const TICK_MS: u32 = 100;

/// One plugin in one VM.
#[derive(Debug)]
pub struct Plugin {
    data: Data,
    journal: Journal,
    limits: Limits,
    reporter: Reporter,
    waiting: Waiting,
    /// The memory of the last request's list of headers.
    spare: Vec<Pair<'static>>,
    max_age: Option<u64>,
    last_tick: u64,
    next_gauges: Timer,
}

#[derive(Debug)]
enum Data {
    Synced { store: Box<Store>, sync: Box<Sync> },
    Static(Box<Archive>),
}

impl Plugin {
    /// Configures a plugin. Changes nothing that other VMs see.
    pub fn configure(host: &impl Host) -> Result<Self, ConfigError> {
        let config = Config::parse(&host.configuration().unwrap_or_default(), |name| host.environment(name))?;
        if !config.edge_keys.is_empty() && !host.guards_answers() {
            return Err(ConfigError::unguarded());
        }
        let told_keys = host.guards_answers().then(|| config.edge_keys.names());
        let mut limits = Limits::default();
        let data = match config.source {
            Source::Static(bytes) => {
                let mut archive = Archive::open(&bytes, &config.public_keys).map_err(ConfigError::bundle)?;
                archive.open_secrets(|secret| config.edge_keys.open(secret)).map_err(ConfigError::bundle)?;
                Data::Static(Box::new(archive))
            }
            Source::Control(control) => {
                let names = Names::new(&control.identity(&config.public_keys));
                let secret = control.recent_secret(host.now_nanos());
                let mut store = Box::new(Store::new(names.clone(), config.cache_sizes, secret, config.edge_keys));
                store.refresh(host);
                limits = Limits::shared(names.clone(), control.clone());
                Data::Synced {
                    store,
                    sync: Box::new(Sync::new(control, config.public_keys, names, config.max_bundle_age)),
                }
            }
        };
        host.set_tick_period(TICK_MS);
        let journal = Journal::new(matches!(data, Data::Synced { .. }));
        Ok(Self {
            data,
            journal,
            limits,
            reporter: Reporter::new(told_keys),
            waiting: Waiting::default(),
            spare: Vec::new(),
            max_age: config.max_bundle_age,
            last_tick: host.now_nanos(),
            next_gauges: Timer::default(),
        })
    }

    /// Looks for a new version, keeps the sync moving, tells what was counted.
    pub fn tick(&mut self, host: &impl Host) {
        let now = host.now_nanos();
        self.last_tick = now;
        self.journal.set_now(now / SECOND);
        self.journal.metrics.define(host);
        if let Data::Synced { store, sync } = &mut self.data {
            if self.journal.metrics.has_news() {
                sync.serves();
            }
            sync.tick(host, &mut self.journal.metrics);
            refresh(host, store, &mut self.journal);
        }
        if self.limits.is_draining() {
            self.reporter.hurry(&self.journal);
        }
        self.report(now, |reporter, desk| reporter.tick(host, desk));
        self.keep_limits(host, now);
        self.journal.metrics.flush(host);
        if self.next_gauges.is_due(now) {
            self.next_gauges = Timer::start(now, SECOND);
            self.gauges(host, now / SECOND);
        }
        self.wake(host, now);
    }

    /// The answer to a call arrived.
    pub fn answered(&mut self, host: &impl Host, token: u32, headers: usize, body: usize) {
        let now = host.now_nanos();
        if self.report(now, |reporter, desk| reporter.answered(host, desk, token, headers)) == Some(true) {
            return;
        }
        let Data::Synced { sync, .. } = &mut self.data else { return };
        let metrics = &mut self.journal.metrics;
        let about_leases = self.limits.answered(host, metrics, token, headers, body, now);
        let is_live = about_leases.is_none() && sync.answered(host, metrics, token, headers, body);
        if self.await_floors(host, now) || is_live {
            self.went_live(host, now);
        }
        if about_leases == Some(Heard::News) {
            self.wake(host, now);
        }
    }

    /// Decides those again who waited. The last thing in a callback: afterwards it speaks of another request.
    fn wake(&mut self, host: &impl Host, now: u64) {
        let streams = self.waiting.take();
        let others = streams.len().saturating_sub(1);
        for stream in streams {
            // Whoever is gone needs no answer.
            if host.enter_stream(stream.id) {
                match self.decide(host, !stream.patience.is_due(now), others) {
                    Action::Waits => self.waiting.go_on(stream),
                    Action::Forward => host.resume(),
                    Action::Replied | Action::Missed => {}
                }
            }
        }
    }

    /// The leader need not wait for its own tick.
    fn went_live(&mut self, host: &impl Host, now: u64) {
        if let Data::Synced { store, .. } = &mut self.data {
            refresh(host, store, &mut self.journal);
        }
        self.report(now, |reporter, desk| reporter.tell(host, desk));
    }

    /// Fetches the floors of a version that is on its way. Tells whether it went live for having them.
    fn await_floors(&mut self, host: &impl Host, now: u64) -> bool {
        let Data::Synced { sync, .. } = &mut self.data else { return false };
        let Some(version) = sync.downloading() else { return false };
        self.limits.fetch_floors(host, version, now);
        self.limits.has_floors(version) && sync.floors_are_there(host, &mut self.journal.metrics, version)
    }

    fn keep_limits(&mut self, host: &impl Host, now: u64) {
        let (version, ..) = self.bundle();
        let leads = matches!(&self.data, Data::Synced { sync, .. } if sync.leads());
        let place = Place { boot: self.reporter.boot(), leads, version };
        self.limits.tick(host, &mut self.journal.metrics, place, now);
    }

    /// Decides one request, or lets it wait.
    pub fn request(&mut self, host: &impl Host, stream: u32) -> Action {
        let action = self.decide(host, self.waiting.has_room(), self.waiting.count());
        if action == Action::Waits {
            self.journal.metrics.waited();
            self.waiting.begin(stream, host.now_nanos());
        }
        action
    }

    /// `patient`: it may wait, as so many are `waiting`.
    fn decide(&mut self, host: &impl Host, patient: bool, waiting: usize) -> Action {
        let blob = host.request_headers();
        let spare = core::mem::take(&mut self.spare);
        let headers = blob.as_deref().and_then(|blob| pairs::parse_into(spare, blob));
        let action = self.decide_on(host, headers.as_deref(), patient, waiting);
        self.spare = headers.map(pairs::emptied).unwrap_or_default();
        blob.into_iter().for_each(|blob| host.give_back(blob));
        action
    }

    fn decide_on(&mut self, host: &impl Host, headers: Option<&[Pair<'_>]>, patient: bool, waiting: usize) -> Action {
        match &mut self.data {
            Data::Static(archive) => {
                // Not every proxy ticks, so the clock is asked; but only if it matters.
                let issued_at = archive.manifest().issued_at;
                let stale = self.max_age.is_some() && is_stale(self.max_age, issued_at, host.now_nanos());
                let (policy, keys) = archive.parts_mut();
                let data = if stale { Err((Reason::StalePolicy, Some(policy))) } else { Ok((policy, keys)) };
                let mut keeper = Keeper::new(host, &mut self.limits, false, 0);
                filter::decide_request(host, headers, data, true, &mut keeper, &mut self.journal)
            }
            Data::Synced { store, .. } => {
                if store.live().is_none() {
                    // Nothing yet as of the last tick; a version may have come since.
                    refresh(host, store, &mut self.journal);
                }
                let (max_age, now) = (self.max_age, self.last_tick);
                let mut keeper = Keeper::new(host, &mut self.limits, patient, waiting);
                let mut decide = |store: &mut Store, journal: &mut Journal, last_try| {
                    let stale = store.live().is_some_and(|live| is_stale(max_age, live.issued_at, now));
                    let data = match store.parts_mut(host) {
                        Some((policy, _)) if stale => Err((Reason::StalePolicy, Some(policy))),
                        Some(parts) => Ok(parts),
                        None => Err((Reason::NoPolicy, None)),
                    };
                    filter::decide_request(host, headers, data, last_try, &mut keeper, journal)
                };
                match decide(store, &mut self.journal, false) {
                    // Two versions within one tick take the slot this worker still reads; the header names the new one.
                    Action::Missed => {
                        if refresh(host, store, &mut self.journal) == Refresh::Unchanged {
                            store.ask_for_repair(host);
                        }
                        decide(store, &mut self.journal, true)
                    }
                    action => action,
                }
            }
        }
    }

    fn gauges(&self, host: &impl Host, now: u64) {
        let (version, issued_at, keys) = self.bundle();
        self.journal.metrics.gauges(host, version, age(issued_at, now), keys, now);
    }

    /// Version, issue time and number of keys; all 0 without a bundle.
    fn bundle(&self) -> (u64, u64, u64) {
        match &self.data {
            Data::Static(archive) => {
                let manifest = archive.manifest();
                (manifest.version, manifest.issued_at, manifest.key_count)
            }
            Data::Synced { store, .. } => {
                store.live().map_or((0, 0, 0), |live| (live.version, live.issued_at, live.key_count))
            }
        }
    }

    /// Does something with the reporter; nothing without a control plane.
    fn report<T>(&mut self, now: u64, act: impl FnOnce(&mut Reporter, &mut Desk<'_>) -> T) -> Option<T> {
        let (version, issued_at, _) = self.bundle();
        let Data::Synced { sync, .. } = &mut self.data else { return None };
        let version = (version, age(issued_at, now / SECOND));
        Some(act(&mut self.reporter, &mut Desk { sync, journal: &mut self.journal, version, now }))
    }
}

/// Looks for another version. Rules are numbered anew in it.
fn refresh(host: &impl Host, store: &mut Store, journal: &mut Journal) -> Refresh {
    let refresh = store.refresh(host);
    if refresh == Refresh::NewVersion {
        journal.usage.routes.forget_rules();
    }
    refresh
}

fn age(issued_at: u64, now: u64) -> u64 {
    if issued_at == 0 { 0 } else { now.saturating_sub(issued_at) }
}

/// An issue time of 0 is as old as can be, not unknown.
fn is_stale(max_age: Option<u64>, issued_at: u64, now_nanos: u64) -> bool {
    max_age.is_some_and(|max| issued_at == 0 || age(issued_at, now_nanos / SECOND) > max)
}
