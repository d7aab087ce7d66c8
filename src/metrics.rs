//! Counts, kept in the VM and told to the proxy on each tick.
//!
//! A request only adds to an array; host calls are for ticks. At most one tick's counts are lost with a VM. Invariant:
//! metric names are fixed, so that their number is too.

use portcullis_engine::Reason;

use crate::host::{Host, MetricKind};

/// Counts since the last flush, and the ids under which the proxy knows them.
#[derive(Debug)]
pub struct Metrics {
    defined: bool,
    allowed: Counter,
    public: Counter,
    denied: Vec<Counter>,
    observed: Vec<Counter>,
    sync_errors: Counter,
    syncs: Counter,
    unmetered: Counter,
    waited: Counter,
    lease_errors: Counter,
    usage_dropped: Counter,
    version: Option<u32>,
    age: Option<u32>,
    keys: Option<u32>,
    heartbeat: Option<u32>,
}

/// What is counted for the control plane.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Let through, with a key or without.
    pub allowed: u64,
    /// Refused, by reason.
    pub denied: Vec<(Reason, u64)>,
    /// Let through, but would have been refused, by reason.
    pub observed: Vec<(Reason, u64)>,
}

impl Counts {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.allowed == 0 && self.denied.is_empty() && self.observed.is_empty()
    }

    /// Adds others.
    #[inline(never)]
    pub fn add(&mut self, other: &Self) {
        self.allowed = self.allowed.saturating_add(other.allowed);
        for (counts, others) in [(&mut self.denied, &other.denied), (&mut self.observed, &other.observed)] {
            for (reason, count) in others {
                match counts.iter_mut().find(|(known, _)| known == reason) {
                    Some((_, known)) => *known = known.saturating_add(*count),
                    None => counts.push((*reason, *count)),
                }
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Counter {
    metric: Option<u32>,
    pending: u32,
    /// Since it was last taken for the control plane.
    unreported: u64,
}

impl Counter {
    fn define(&mut self, host: &impl Host, name: &str) {
        self.metric = host.define_metric(MetricKind::Counter, name);
    }

    fn add(&mut self) {
        self.pending = self.pending.saturating_add(1);
        self.unreported = self.unreported.saturating_add(1);
    }

    fn flush(&mut self, host: &impl Host) {
        let Some(metric) = self.metric else { return };
        let pending = core::mem::take(&mut self.pending);
        if pending > 0 {
            host.increment(metric, pending);
        }
    }
}

impl Default for Metrics {
    /// Counts from zero; what is counted before [`define`](Self::define) is told later.
    fn default() -> Self {
        let each = vec![Counter::default(); Reason::ALL.len()];
        Self {
            defined: false,
            allowed: Counter::default(),
            public: Counter::default(),
            denied: each.clone(),
            observed: each,
            sync_errors: Counter::default(),
            syncs: Counter::default(),
            unmetered: Counter::default(),
            waited: Counter::default(),
            lease_errors: Counter::default(),
            usage_dropped: Counter::default(),
            version: None,
            age: None,
            keys: None,
            heartbeat: None,
        }
    }
}

impl Metrics {
    /// Defines every metric, the first time it is called. Expensive, and each definition is a new id to the proxy.
    pub fn define(&mut self, host: &impl Host) {
        if core::mem::replace(&mut self.defined, true) {
            return;
        }
        for (kind, counters) in [("decisions", &mut self.denied), ("observed", &mut self.observed)] {
            for (reason, counter) in Reason::ALL.iter().zip(counters) {
                counter.define(host, &format!("portcullis.{kind}.{reason}"));
            }
        }
        self.allowed.define(host, "portcullis.decisions.allowed");
        self.public.define(host, "portcullis.decisions.public");
        self.sync_errors.define(host, "portcullis.sync.errors");
        self.syncs.define(host, "portcullis.sync.applied");
        self.unmetered.define(host, "portcullis.quota.unmetered");
        self.waited.define(host, "portcullis.quota.waited");
        self.lease_errors.define(host, "portcullis.quota.lease_errors");
        self.usage_dropped.define(host, "portcullis.usage.dropped");
        let gauge = |name| host.define_metric(MetricKind::Gauge, name);
        self.version = gauge("portcullis.bundle.version");
        self.age = gauge("portcullis.bundle.age_seconds");
        self.keys = gauge("portcullis.bundle.keys");
        self.heartbeat = gauge("portcullis.heartbeat");
    }

    /// A request passed with a key.
    pub fn allowed(&mut self) {
        self.allowed.add();
    }

    /// A request passed without one.
    pub fn public(&mut self) {
        self.public.add();
    }

    /// A request was refused.
    pub fn denied(&mut self, reason: Reason) {
        add(&mut self.denied, reason);
    }

    /// A request would have been refused.
    pub fn observed(&mut self, reason: Reason) {
        add(&mut self.observed, reason);
    }

    /// A sync failed.
    pub fn sync_error(&mut self) {
        self.sync_errors.add();
    }

    /// A request passed although a quota could not be asked.
    pub fn unmetered(&mut self) {
        self.unmetered.add();
    }

    /// A request waited for tokens.
    pub fn waited(&mut self) {
        self.waited.add();
    }

    /// A call about leases failed.
    pub fn lease_error(&mut self) {
        self.lease_errors.add();
    }

    /// Requests were counted and will not be told.
    pub fn usage_dropped(&mut self, requests: u64) {
        let pending = u32::try_from(requests).unwrap_or(u32::MAX);
        self.usage_dropped.pending = self.usage_dropped.pending.saturating_add(pending);
    }

    /// A version went live.
    pub fn synced(&mut self) {
        self.syncs.add();
    }

    /// Tells the proxy what was counted since the last flush.
    pub fn flush(&mut self, host: &impl Host) {
        let passed = [&mut self.allowed, &mut self.public, &mut self.unmetered, &mut self.waited];
        let rest = [&mut self.sync_errors, &mut self.syncs, &mut self.lease_errors, &mut self.usage_dropped];
        passed.into_iter().chain(rest).chain(&mut self.denied).chain(&mut self.observed).for_each(|it| it.flush(host));
    }

    /// Tells the proxy where the bundle stands.
    pub fn gauges(&self, host: &impl Host, version: u64, age: u64, keys: u64, now: u64) {
        for (metric, value) in [(self.version, version), (self.age, age), (self.keys, keys), (self.heartbeat, now)] {
            if let Some(metric) = metric {
                host.set_gauge(metric, value);
            }
        }
    }

    /// Whether there is anything that was not taken.
    pub fn has_news(&self) -> bool {
        let passed = [&self.allowed, &self.public];
        passed.into_iter().chain(&self.denied).chain(&self.observed).any(|it| it.unreported > 0)
    }

    /// Takes what was counted since the last time.
    pub fn take_unreported(&mut self) -> Counts {
        let passed = [&mut self.allowed, &mut self.public].map(|it| core::mem::take(&mut it.unreported));
        Counts { allowed: passed.iter().sum(), denied: take(&mut self.denied), observed: take(&mut self.observed) }
    }
}

fn add(counters: &mut [Counter], reason: Reason) {
    if let Some(counter) = counters.get_mut(reason as usize) {
        counter.add();
    }
}

fn take(counters: &mut [Counter]) -> Vec<(Reason, u64)> {
    let taken = Reason::ALL.iter().zip(counters).map(|(reason, it)| (*reason, core::mem::take(&mut it.unreported)));
    taken.filter(|(_, count)| *count > 0).collect()
}
