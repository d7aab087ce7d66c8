//! What a request takes of rate limits and quotas, put together from the key's record, the policy and the rule.
//!
//! It counts nothing; the limiter does. Invariant: a limiter is asked once at most, after every other check has passed, and not at
//! all about a request that falls under no limit.

use core::fmt;

use super::{Ambient, KeyCheck};
use crate::limit::{Admission, Bucket, Demand, Limiter, RateClaim, Refusal, Standing, Subject};
use crate::policy::{Route, RuleLimits, RuleRate};
use crate::reason::Reason;
use crate::record::OrganizationState;
use crate::spec::CountedBy;
use crate::trace::{Outcome, Step, Trace};

/// Why a request stops, and what more is to be said of it.
pub(super) struct Refused {
    pub(super) reason: Reason,
    pub(super) retry_after: Option<u64>,
    pub(super) standing: Option<Standing>,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, retry_after: None, standing: None }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { reason: refusal.reason, retry_after: Some(refusal.retry_after.max(1)), standing: refusal.standing }
    }
}

impl<A: Ambient> KeyCheck<'_, '_, A> {
    /// The last check: takes what the request costs.
    pub(super) fn limits(&self, limiter: &mut impl Limiter, trace: &mut impl Trace) -> Result<Admission, Refused> {
        if let Some(seconds) = self.exhausted_for() {
            trace.check(Step::Quota, Outcome::Denied(Reason::QuotaExhausted), format_args!("declared exhausted"));
            return Err(Refused { retry_after: Some(seconds), ..Reason::QuotaExhausted.into() });
        }
        let rule = self.rule_limits();
        let demand = self.demand(rule);
        if demand.is_empty() {
            trace.check(Step::Quota, Outcome::Passed, format_args!(""));
            return Ok(Admission::default());
        }
        let admitted = limiter.admit(&demand);
        let outcome = admitted.as_ref().map_or_else(|refusal| Outcome::Denied(refusal.reason), |_| Outcome::Passed);
        trace.check(Step::Quota, outcome, format_args!("{}", Described { demand: &demand, rule: rule.rate }));
        admitted.map_err(Refused::from)
    }

    /// For how long the control plane says that the organisation has nothing left.
    fn exhausted_for(&self) -> Option<u64> {
        match self.record.organization_state {
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
        let own = self.record.restrictions.and_then(|set| set.limits());
        let defaults = &self.policy.limits;
        let organization = Subject::Organization(self.record.organization);
        let key = Subject::Key(own.and_then(|it| it.meter()).unwrap_or(self.record.id));
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
        let of_organization = self.record.organization_limits.rate.or(defaults.organization);
        let of_organization = of_organization.map(|rate| claim(rate, organization));
        // What costs nothing passes whatever is left.
        let counted = |is: bool, subject| (is && rule.cost > 0).then_some(subject);
        Demand {
            rates: [of_key, of_organization, rule.rate.map(of_rule)],
            quotas: [
                counted(self.record.organization_limits.metered, organization),
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
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for quota in self.demand.quotas.iter().flatten() {
            let whose = if matches!(quota, Subject::Organization(_)) { "organisation" } else { "key" };
            write!(f, "{gap}{whose} quota, cost {}", self.demand.cost)?;
            gap = "; ";
        }
        let by_rule = self.rule.map_or("", |it| it.by.as_str());
        for (claim, name) in self.demand.rates.iter().zip(["key", "organisation", by_rule]) {
            let Some(RateClaim { rate, .. }) = claim else { continue };
            let (requests, seconds, burst) = (rate.requests(), rate.seconds(), rate.burst());
            write!(f, "{gap}rate {requests} in {seconds} s, burst {burst}, by {name}")?;
            gap = "; ";
        }
        Ok(())
    }
}
