//! What a request takes of rate limits and quotas, put together from the key's record, the policy and the rule.
//!
//! It counts nothing; the limiter does. Invariant: a limiter is asked once at most, after every other check has passed, and not at
//! all about a request that falls under no limit.

use alloc::boxed::Box;
use core::fmt;

use super::{Ambient, KeyCheck};
use crate::limit::{Admission, Bucket, Demand, Limiter, RateClaim, Refusal, Standing, Subject};
use crate::policy::{Defaults, Route, RuleLimits, RuleRate};
use crate::reason::Reason;
use crate::record::{OrganizationLimits, OrganizationState};
use crate::service::ServiceUse;
use crate::spec::CountedBy;
use crate::trace::{Outcome, Step, Trace};

/// What checks said, beside yes or no. Filled in place: it is large, and most requests have nothing to put there.
#[derive(Default)]
pub(super) struct Told<'a> {
    pub(super) service: Option<ServiceUse<'a>>,
    pub(super) reference: Option<Box<str>>,
    pub(super) admission: Admission,
    pub(super) retry_after: Option<u64>,
    pub(super) standing: Option<Standing>,
}

impl<A: Ambient> KeyCheck<'_, '_, A> {
    /// The last check: takes what the request costs.
    pub(super) fn limits(
        &self,
        limiter: &mut impl Limiter,
        told: &mut Told<'_>,
        trace: &mut impl Trace,
    ) -> Result<(), Reason> {
        if let Some(seconds) = self.exhausted_for() {
            told.retry_after = Some(seconds);
            trace.check(Step::Quota, Outcome::Denied(Reason::QuotaExhausted), format_args!("declared exhausted"));
            return Err(Reason::QuotaExhausted);
        }
        if self.is_limited() {
            return self.ask(limiter, told, trace);
        }
        trace.result(Step::Quota, Ok(()))
    }

    /// Whether it may fall under a limit: what most requests are asked in place of all that follows.
    fn is_limited(&self) -> bool {
        let Defaults { key, organization, .. } = self.policy.limits;
        let OrganizationLimits { metered, rate } = self.caller.record.organization_limits;
        let own = self.caller.record.restrictions.is_some_and(|set| set.limits().is_some());
        metered || rate.or(organization).or(key).is_some() || own || self.rule_limits().rate.is_some()
    }

    /// Not inlined: what an unlimited request does not need is not to be in its way.
    #[inline(never)]
    fn ask(&self, limiter: &mut impl Limiter, told: &mut Told<'_>, trace: &mut impl Trace) -> Result<(), Reason> {
        let rule = self.rule_limits();
        let demand = self.demand(rule);
        if demand.is_empty() {
            return trace.result(Step::Quota, Ok(()));
        }
        let detail = Described { demand: &demand, rule: rule.rate, counted: limiter.counts() };
        match limiter.admit(&demand) {
            Ok(admission) => {
                told.admission = admission;
                trace.check(Step::Quota, Outcome::Passed, format_args!("{detail}"));
                Ok(())
            }
            Err(Refusal { reason, standing, retry_after }) => {
                (told.standing, told.retry_after) = (standing, Some(retry_after.max(1)));
                trace.check(Step::Quota, Outcome::Denied(reason), format_args!("{detail}"));
                Err(reason)
            }
        }
    }

    /// For how long the control plane says that the organisation has nothing left.
    fn exhausted_for(&self) -> Option<u64> {
        match self.caller.record.organization_state {
            OrganizationState::QuotaExhausted { until } => {
                until.checked_sub(self.ambient.now()).filter(|seconds| *seconds > 0)
            }
            _ => None,
        }
    }

    fn rule_limits(&self) -> RuleLimits {
        match self.routed.route {
            Route::Rule(_, rule) => rule.limits,
            Route::Unmatched(_) => RuleLimits::default(),
        }
    }

    fn demand(&self, rule: RuleLimits) -> Demand {
        let own = self.caller.record.restrictions.and_then(|set| set.limits());
        let defaults = &self.policy.limits;
        let organization = Subject::Organization(self.caller.record.organization);
        let key = Subject::Key(own.and_then(|it| it.meter()).unwrap_or(self.caller.record.id));
        let claim = |rate, subject| RateClaim { bucket: Bucket::new(Some(subject), None), rate };
        let of_rule = |it: RuleRate| {
            let subject = match it.by {
                CountedBy::Key => Some(key),
                CountedBy::Organization => Some(organization),
                CountedBy::Everyone => None,
            };
            RateClaim { bucket: Bucket::new(subject, Some(it.hash)), rate: it.rate }
        };
        let of_key = own.and_then(|it| it.rate()).or(defaults.key).map(|rate| claim(rate, key));
        let of_organization = self.caller.record.organization_limits.rate.or(defaults.organization);
        let of_organization = of_organization.map(|rate| claim(rate, organization));
        // What costs nothing passes whatever is left.
        let counted = |is: bool, subject| (is && rule.cost > 0).then_some(subject);
        Demand {
            rates: [of_key, of_organization, rule.rate.map(of_rule)],
            quotas: [
                counted(self.caller.record.organization_limits.metered, organization),
                counted(own.is_some_and(|it| it.has_quota()), key),
            ],
            cost: rule.cost,
            on_unavailable: defaults.on_unavailable,
        }
    }
}

/// A demand in words.
struct Described<'d> {
    demand: &'d Demand,
    rule: Option<RuleRate>,
    counted: bool,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for quota in self.demand.quotas.iter().flatten() {
            let whose = if matches!(quota, Subject::Organization(_)) { "organisation" } else { "key" };
            write!(f, "{gap}{whose} quota, cost {}", self.demand.cost)?;
            gap = "; ";
        }
        let by_rule = self.rule.map_or("", |it| it.by.described());
        for (claim, name) in self.demand.rates.iter().zip(["key", "organisation", by_rule]) {
            let Some(RateClaim { rate, .. }) = claim else { continue };
            let (requests, seconds, burst) = (rate.requests(), rate.seconds(), rate.burst());
            write!(f, "{gap}rate {requests} in {seconds} s, burst {burst}, by {name}")?;
            gap = "; ";
        }
        if self.counted { Ok(()) } else { write!(f, "{gap}what is left is not looked at") }
    }
}
