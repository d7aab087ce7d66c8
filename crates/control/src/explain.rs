//! How a request with a certain key would be decided, by the engine that runs at the edge.
//!
//! Nobody has the key's text any more, so a well-formed stand-in is sent in its place, and whatever it hashes to leads to
//! the picked key's record. Invariant: apart from that, everything is as at an edge that knows the key as it is now.

mod example;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;

use portcullis_api::explain::{CheckOutcome, Explain, ExplainedCheck, Explanation};
use portcullis_engine::spec::KeyFormatSpec;
use portcullis_engine::{
    Ambient, Check, Decision, KeyDigest, KeyRecord, KeyStore, OrganizationLimits, OrganizationState, Outcome, Policy,
    RestrictionSet, StoreUnavailable, Unlimited, decide_traced,
};

use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::keys;
use crate::policy::PolicyRoom;
use crate::quota;
use crate::store::{KeyRow, StoreError};
use wire::Wire;

pub(crate) use example::example;

/// Explains a request.
pub(crate) async fn explain(app: &App, by: &Caller, request: &Explain) -> Result<Explanation, Error> {
    by.require(KeysRead)?;
    let policy = app.policy();
    let address = wire::check(&policy, request)?;
    let mut asked = Asked::about(app, by, policy, request.key.trim()).await?;
    Ok(asked.explain(request, address))
}

/// What requests are made with: a key and the policy, as they are now.
struct Asked {
    policy: Arc<PolicyRoom>,
    picked: Picked,
    stand_in: String,
    now: u64,
}

impl Asked {
    async fn about(app: &App, by: &Caller, policy: Arc<PolicyRoom>, key: &str) -> Result<Self, Error> {
        let row = keys::row(app, by, key).await?;
        let organization = app.store.organization(Scope::Only(row.organization), row.organization).await?;
        let state = organization.as_ref().map_or(OrganizationState::Suspended, |it| it.state);
        let limits = quota::organization_limits(app, organization.and_then(|it| it.plan)).await?;
        let stand_in = keys::stand_in(&format_of(&policy, &row))?;
        Ok(Self { policy, picked: Picked::new(row, state, limits)?, stand_in, now: app.clock.seconds() })
    }

    fn explain(&mut self, request: &Explain, address: Option<IpAddr>) -> Explanation {
        let wire = Wire::new(request, &self.policy, &self.stand_in);
        let (headers, ambient) = (wire.headers(), Surroundings { now: self.now, address });
        let mut checks: Vec<Check> = Vec::new();
        let policy = self.policy.compiled();
        let decision =
            decide_traced(policy, &mut self.picked, &wire.as_request(&headers), &ambient, &mut Unlimited, &mut checks);
        explanation(policy, &decision, &checks)
    }
}

/// The format of the key; of one whose prefix the policy has given up, anything with that prefix, as it would be read.
fn format_of(policy: &PolicyRoom, row: &KeyRow) -> KeyFormatSpec {
    let gone = || KeyFormatSpec {
        prefix: row.prefix.clone(),
        environment: row.environment.clone(),
        body_length: 32,
        min_body_length: None,
        alphabet: Default::default(),
        checksum: Default::default(),
    };
    policy.format_with(&row.prefix).cloned().unwrap_or_else(gone)
}

fn explanation(policy: &Policy, decision: &Decision<'_>, checks: &[Check]) -> Explanation {
    let (denial, rule) = match decision {
        Decision::Allow(grant) => (None, grant.rule),
        Decision::Deny(denial) => (Some(denial), denial.rule),
    };
    let code = denial.map(|it| it.reason.code());
    Explanation {
        allowed: denial.is_none(),
        status: code.map(|it| it.status()),
        code: code.map(|it| it.as_str().to_owned()),
        reason: denial.map(|it| it.reason.as_str().to_owned()),
        message: code.map(|it| policy.message(it).to_owned()),
        rule: rule.and_then(|index| policy.rules().get(index)).map(ToString::to_string),
        checks: checks.iter().map(check).collect(),
    }
}

fn check(check: &Check) -> ExplainedCheck {
    let (outcome, reason) = match check.outcome {
        Outcome::Passed => (CheckOutcome::Passed, None),
        Outcome::Observed(reason) => (CheckOutcome::Observed, Some(reason)),
        Outcome::Denied(reason) => (CheckOutcome::Denied, Some(reason)),
    };
    ExplainedCheck {
        step: check.step.as_str().to_owned(),
        outcome,
        reason: reason.map(|it| it.as_str().to_owned()),
        detail: check.detail.clone(),
    }
}

/// The one key there is.
struct Picked {
    row: KeyRow,
    state: OrganizationState,
    limits: OrganizationLimits,
    restrictions: RestrictionSet,
}

impl Picked {
    fn new(row: KeyRow, state: OrganizationState, limits: OrganizationLimits) -> Result<Self, Error> {
        let spec = row.published_restrictions();
        let unreadable = |_| Error::Store(StoreError::Unreadable { column: "restrictions" });
        let restrictions = RestrictionSet::compile(&spec).map_err(unreadable)?;
        Ok(Self { row, state, limits, restrictions })
    }
}

impl KeyStore for Picked {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(Some(KeyRecord {
            id: self.row.id,
            organization: self.row.organization,
            organization_state: self.state,
            organization_limits: self.limits,
            status: self.row.published_status(),
            expires_at: self.row.expires_at,
            scopes: &self.row.scopes,
            restrictions: Some(&self.restrictions).filter(|it| !it.is_empty()),
        }))
    }
}

struct Surroundings {
    now: u64,
    address: Option<IpAddr>,
}

impl Ambient for Surroundings {
    fn now(&self) -> u64 {
        self.now
    }

    fn source_address(&self) -> Option<IpAddr> {
        self.address
    }
}
