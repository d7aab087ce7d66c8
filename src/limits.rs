//! Limits of one VM: rate limits and quotas that it shares with the other VMs of its process.
//!
//! A request takes from what the VM has at hand, and goes to shared memory only when that is gone; when that is gone too, more is on its
//! way, and it may wait. Invariant: a demand is taken whole or not at all, and nothing is taken twice.

mod calls;
#[cfg(test)]
mod changes;
mod floors;
mod leader;
mod meter;
mod quotas;
mod rates;
#[cfg(test)]
mod simulation;
mod slots;
mod validity;
mod wire;

pub use calls::Heard;
use portcullis_engine::{Admission, Demand, Limiter, OnUnavailable, Reason, Refusal, Standing, Subject};

use crate::config::Control;
use crate::hash::IdMap;
use crate::host::Host;
use crate::lease;
use crate::live::Names;
use crate::metrics::Metrics;
use crate::timer::Timer;

use floors::Floors;
use leader::Round;
use quotas::{Chunk, Shortage};
use rates::Rates;
use validity::Validity;

/// No floor is larger, whatever a control plane hands out.
const MOST_FLOOR: u64 = 64;
/// How often a VM counts its siblings.
const COUNT_NANOS: u64 = 1_000_000_000;

/// One VM's limits.
#[derive(Debug, Default)]
pub struct Limits {
    /// Where things are shared; none without a control plane.
    names: Option<Names>,
    control: Option<Control>,
    boot: Option<String>,
    validity: Validity,
    chunks: IdMap<Subject, Chunk>,
    rates: Rates,
    calls: Vec<calls::Call>,
    /// Nothing is asked before its end.
    pause: Timer,
    errors: u32,
    floors: Floors,
    round: Round,
    count: Timer,
    /// Whether what the last request lacked is on its way.
    coming: bool,
    /// How many wait for something that is on its way.
    waiting: usize,
}

/// How a VM stands among its siblings, as of a tick.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The process' name, once it has one.
    pub boot: Option<&'a str>,
    /// Whether this VM leads.
    pub leads: bool,
    /// The version it enforces.
    pub version: u64,
}

impl Limits {
    /// Limits that are shared, under these names.
    pub fn shared(names: Names, control: Control) -> Self {
        Self { names: Some(names), control: Some(control), ..Self::default() }
    }

    /// Whether the process is about to be stopped, as of the last tick.
    pub fn is_draining(&self) -> bool {
        self.validity.drain
    }

    /// Gives back what was not needed; the leader looks after all meters.
    pub fn tick(&mut self, host: &impl Host, metrics: &mut Metrics, place: Place<'_>, now: u64) {
        let Some(names) = self.names.clone() else { return self.rates.tick(host, None, now) };
        if self.boot.is_none() {
            self.boot = place.boot.map(str::to_owned);
        }
        if self.count.is_due(now) {
            self.count = Timer::start(now, COUNT_NANOS);
            self.rates.set_workers(u32::try_from(lease::count(host, &names)).unwrap_or(u32::MAX));
        }
        self.rates.tick(host, Some(&names), now);
        self.validity = Validity::load(host, &names);
        self.hand_back_idle(host, &names, now);
        if place.leads {
            self.lead(host, place.version, now);
        } else {
            self.follow_leader();
        }
        (0..core::mem::take(&mut self.errors)).for_each(|_| metrics.lease_error());
    }

    fn hand_back_idle(&mut self, host: &impl Host, names: &Names, now: u64) {
        let validity = self.validity;
        let idle = self.chunks.iter_mut().filter_map(|(subject, chunk)| {
            let keeps = core::mem::take(&mut chunk.touched) && chunk.is_good(&validity, now) && !validity.drain;
            (!keeps).then_some(*subject)
        });
        for subject in idle.collect::<Vec<_>>() {
            self.hand_back(host, names, subject, now);
        }
    }

    /// `patient`: the request waits for tokens that are on their way.
    fn admit(&mut self, host: &impl Host, demand: &Demand, patient: bool) -> Result<Admission, Refusal> {
        let now = host.now_nanos();
        let rate = self.rates.take(host, self.names.as_ref(), &demand.rates, now)?;
        let (mut unmetered, mut quota, cost) = (false, None, u64::from(demand.cost));
        let mut spent = None;
        for subject in demand.quotas.iter().flatten() {
            match self.spend(host, *subject, cost, now) {
                Ok(None) => {}
                Ok(Some(standing)) => {
                    quota = rates::nearer(quota, standing);
                    spent = spent.or(Some(*subject));
                }
                Err(Shortage::Unavailable)
                    if demand.on_unavailable == OnUnavailable::Allow && !(patient && self.coming) =>
                {
                    unmetered = true;
                }
                Err(shortage) => {
                    self.rates.put_back(&demand.rates);
                    // There are two quotas at most, so one at most was taken of.
                    spent.iter().for_each(|subject| self.unspend(*subject, cost));
                    return Err(refusal(shortage));
                }
            }
        }
        Ok(Admission { unmetered, quota, rate })
    }
}

fn refusal(shortage: Shortage) -> Refusal {
    let exhausted = |standing: Standing, retry_after: u64| Refusal {
        reason: Reason::QuotaExhausted,
        standing: Some(standing),
        retry_after: retry_after.max(1),
    };
    match shortage {
        Shortage::Exhausted(standing) => exhausted(standing, standing.reset),
        Shortage::Busy(standing, seconds) => exhausted(standing, seconds),
        Shortage::Unavailable => Refusal { reason: Reason::QuotaUnavailable, standing: None, retry_after: 1 },
    }
}

/// The limits of one request.
pub struct Keeper<'a, H> {
    host: &'a H,
    limits: &'a mut Limits,
    patient: bool,
}

impl<'a, H> Keeper<'a, H> {
    /// Those of a request that waits for tokens that are on their way, if it is `patient`.
    /// `waiting`: how many wait already.
    pub fn new(host: &'a H, limits: &'a mut Limits, patient: bool, waiting: usize) -> Self {
        limits.coming = false;
        limits.waiting = waiting;
        Self { host, limits, patient }
    }

    /// Whether that is the cluster of the control plane.
    pub fn is_control(&self, cluster: &str) -> bool {
        self.limits.control.as_ref().is_some_and(|control| control.cluster == cluster)
    }

    /// Whether the request was refused for want of tokens that are on their way, and may wait for them.
    pub fn is_to_wait(&self) -> bool {
        self.patient && self.limits.coming
    }
}

impl<H: Host> Limiter for Keeper<'_, H> {
    fn admit(&mut self, demand: &Demand) -> Result<Admission, Refusal> {
        self.limits.admit(self.host, demand, self.patient)
    }
}
