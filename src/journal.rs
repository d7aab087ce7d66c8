//! What happened in this VM since the last report: counts, samples, refusals.
//!
//! A request only adds to it; the plugin takes it out and, if it could not be told, puts it back. Invariant: it is
//! bounded, whatever requests come.

use portcullis_engine::{Denial, Grant, Policy, Request};

use crate::denials::{self, Refused};
use crate::host::Host;
use crate::metrics::{Counts, Metrics};
use crate::samples::Samples;

/// What happened since the last report.
#[derive(Debug, Default)]
pub struct Journal {
    /// Counts, for the proxy too.
    pub metrics: Metrics,
    entries: Entries,
    /// Whether anybody will ask; without a control plane nobody does.
    reports: bool,
    /// Unix seconds as of the last tick.
    now: u64,
}

/// What one report tells of requests.
#[derive(Debug, Default)]
pub struct Entries {
    /// Counts.
    pub counts: Counts,
    /// Let through and worth telling.
    pub samples: Samples,
    /// Refused.
    pub denials: Vec<Refused>,
}

impl Journal {
    /// An empty one; whether what is in it will be reported.
    pub fn new(reports: bool) -> Self {
        Self { reports, ..Self::default() }
    }

    /// The clock, as of a tick: a refusal does not ask for it.
    pub fn set_now(&mut self, seconds: u64) {
        self.now = seconds;
    }

    /// A request was let through.
    pub fn granted(&mut self, host: &impl Host, policy: &Policy, grant: &Grant<'_>, request: &Request<'_>) {
        let Some(identity) = &grant.identity else { return self.metrics.public() };
        self.metrics.allowed();
        if grant.observed.is_empty() {
            return;
        }
        grant.would_be_reasons().for_each(|reason| self.metrics.observed(reason));
        if self.reports {
            self.entries.samples.note(host, policy.key_formats(), identity.key, &grant.observed, request);
        }
    }

    /// A request was refused.
    pub fn denied(&mut self, host: &impl Host, policy: Option<&Policy>, denial: &Denial<'_>, request: &Request<'_>) {
        self.metrics.denied(denial.reason);
        if self.reports && self.entries.denials.len() < denials::MOST {
            self.entries.denials.push(Refused::new(host, policy, denial, request, self.now));
        }
    }

    /// Takes out what happened since the last time.
    pub fn take(&mut self) -> Entries {
        Entries { counts: self.metrics.take_unreported(), ..core::mem::take(&mut self.entries) }
    }

    /// Takes back what could not be told.
    pub fn put_back(&mut self, earlier: Entries) {
        self.metrics.put_back(&earlier.counts);
        self.entries.samples.put_back(earlier.samples);
        let room = denials::MOST.saturating_sub(self.entries.denials.len());
        self.entries.denials.extend(earlier.denials.into_iter().take(room));
    }
}
