//! What happened in this VM since the last report: counts, usage, samples, refusals.
//!
//! A request only adds to it; the reporter takes it out. Invariant: it is bounded, whatever requests come.

use portcullis_engine::{Denial, Grant, Policy, Request, SecretId};

use crate::denials::{self, Refused};
use crate::hash::IdMap;
use crate::host::Host;
use crate::metrics::{Counts, Metrics};
use crate::samples::Samples;
use crate::usage::Usage;
use crate::usage::told;
use crate::usage::waiting::{Row, Tally};

/// Of more secrets than that one report does not tell.
const MOST_SECRETS: usize = 1024;

/// What happened since the last report.
#[derive(Debug, Default)]
pub struct Journal {
    /// Counts, for the proxy too.
    pub metrics: Metrics,
    /// What each key did.
    pub usage: Usage,
    entries: Entries,
    /// Whether anybody will ask; without a control plane nobody does.
    reports: bool,
    /// Unix seconds as of the last tick.
    now: u64,
}

/// What one report tells, apart from where its VM stands.
#[derive(Debug, Default)]
pub struct Told {
    /// What each key did: hour, key and rule, counts.
    pub rows: Vec<(u32, Row, Tally)>,
    /// What became of all requests.
    pub totals: Counts,
    /// Some of them.
    pub entries: Entries,
    /// What went wrong.
    pub errors: Vec<String>,
}

/// Requests that are worth telling.
#[derive(Debug, Default)]
pub struct Entries {
    /// Let through and worth telling.
    pub samples: Samples,
    /// Refused.
    pub denials: Vec<Refused>,
    /// When secrets were last sent to a service.
    pub secrets_used: IdMap<SecretId, u64>,
}

impl Journal {
    /// An empty one; whether what is in it will be reported.
    pub fn new(reports: bool) -> Self {
        Self { reports, ..Self::default() }
    }

    /// The clock, as of a tick: a refusal does not ask for it.
    pub fn set_now(&mut self, seconds: u64) {
        self.now = seconds;
        self.usage.set_now(seconds);
    }

    /// A request was let through.
    pub fn granted(&mut self, host: &impl Host, policy: &Policy, grant: &Grant<'_>, request: &Request<'_>) {
        let Some(identity) = &grant.identity else { return self.metrics.public() };
        self.metrics.allowed();
        if grant.admission.unmetered {
            self.metrics.unmetered();
        }
        if self.reports {
            self.usage.allowed(policy, grant.rule, identity.key, policy.cost(grant.rule));
        }
        if grant.observed.is_empty() {
            return;
        }
        grant.would_be_reasons().for_each(|reason| self.metrics.observed(reason));
        if self.reports {
            self.entries.samples.note(host, policy.key_formats(), identity.key, &grant.observed, request);
        }
    }

    /// Secrets were sent to a service. With too many of them at once, some are told with their next use.
    pub fn sent(&mut self, secrets: &[SecretId]) {
        let used = &mut self.entries.secrets_used;
        for id in secrets.iter().filter(|_| self.reports) {
            if let Some(time) = used.get_mut(id) {
                *time = self.now;
            } else if used.len() < MOST_SECRETS {
                used.insert(*id, self.now);
            }
        }
    }

    /// A request was refused.
    pub fn denied(&mut self, host: &impl Host, policy: Option<&Policy>, denial: &Denial<'_>, request: &Request<'_>) {
        self.metrics.denied(denial.reason);
        if let (true, Some(identity), Some(policy)) = (self.reports, &denial.identity, policy) {
            self.usage.denied(policy, denial.rule, identity.key, denial.reason);
        }
        if self.reports && self.entries.denials.len() < denials::MOST {
            self.entries.denials.push(Refused::new(host, policy, denial, request, self.now));
        }
    }

    /// Whether anything was counted since it was last collected.
    pub fn has_news(&self) -> bool {
        self.usage.has_news() || self.metrics.has_news()
    }

    /// Brings together what was counted, for the next copy.
    pub fn collect(&mut self) {
        let totals = self.metrics.take_unreported();
        self.usage.collect(totals);
        self.metrics.usage_dropped(self.usage.take_lost());
    }

    /// Takes out what one report tells of what was copied.
    pub fn take(&mut self) -> Told {
        let waiting = &mut self.usage.copied;
        let rows = told::take(waiting, &self.usage.routes);
        let totals = core::mem::take(&mut waiting.totals);
        Told { rows, totals, entries: core::mem::take(&mut self.entries), errors: Vec::new() }
    }
}
