//! How a request with a certain key would be decided, by the engine that runs at the edge.
//!
//! Nobody has the key's text any more, so a well-formed stand-in is sent in its place, and whatever it hashes to leads to
//! the picked key's record; of what mints access tokens, a token with all that it holds. A token that is given is verified with what
//! is published. Invariant: apart from that, everything is as at an edge that knows the key as it is now.

mod example;
mod picked;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;

use portcullis_api::KeyKind;
use portcullis_api::explain::{CheckOutcome, Explain, ExplainedCheck, Explanation};
use portcullis_bundle::AcceptedToken;
use portcullis_engine::spec::KeyFormatSpec;
use portcullis_engine::{
    Ambient, Check, Decision, OrganizationState, Outcome, Policy, Reason, Unlimited, decide_traced,
};

use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::keys;
use crate::policy::PolicyRoom;
use crate::quota;
use crate::skills;
use crate::store::KeyRow;
use picked::Picked;
use wire::Wire;

pub(crate) use example::example;

/// Stands for a token of something that mints them. Nobody signed it, and nobody looks.
const TOKEN_STAND_IN: &str = "eyJ.stand-in.";

/// Explains a request.
pub(crate) async fn explain(app: &App, by: &Caller, request: &Explain) -> Result<Explanation, Error> {
    by.require(KeysRead)?;
    let policy = app.policy();
    let address = wire::check(&policy, request)?;
    let mut asked = Asked::about(app, by, policy, request.key.trim()).await?;
    Ok(asked.explain(request, address))
}

/// What requests are made with: a key or a token, and the policy, as they are now.
struct Asked {
    policy: Arc<PolicyRoom>,
    picked: Picked,
    /// What is sent: the token itself, or what stands for a key or for a token of it.
    sent: String,
    now: u64,
}

impl Asked {
    /// `key` is a key's id, or a whole access token.
    async fn about(app: &App, by: &Caller, policy: Arc<PolicyRoom>, key: &str) -> Result<Self, Error> {
        let now = app.clock.seconds();
        let Some(token) = Some(key).filter(|it| is_token(it)) else {
            let row = keys::row(app, by, key).await?;
            let sent = match row.kind {
                KeyKind::ApiKey => keys::stand_in(&format_of(&policy, &row))?,
                KeyKind::Credential | KeyKind::Grant | KeyKind::Issuer => TOKEN_STAND_IN.to_owned(),
            };
            return Ok(Self { policy, picked: picked(app, row, None).await?, sent, now });
        };
        let issuers = app.publisher.current().and_then(|published| published.issuers());
        let verified = match issuers {
            Some(issuers) => AcceptedToken::verify(&issuers, token.as_bytes(), now),
            None => Err(Reason::TokensNotAccepted),
        };
        let picked = match verified {
            Ok(accepted) => picked(app, keys::row(app, by, &accepted.key().to_string()).await?, Some(accepted)).await?,
            Err(reason) => Picked::refused(reason),
        };
        Ok(Self { policy, picked, sent: token.to_owned(), now })
    }

    fn explain(&mut self, request: &Explain, address: Option<IpAddr>) -> Explanation {
        let wire = Wire::new(request, &self.policy, &self.sent);
        let (headers, ambient) = (wire.headers(), Surroundings { now: self.now, address });
        let mut checks: Vec<Check> = Vec::new();
        let policy = self.policy.compiled();
        self.picked.write_implies_read = policy.write_implies_read();
        let decision =
            decide_traced(policy, &mut self.picked, &wire.as_request(&headers), &ambient, &mut Unlimited, &mut checks);
        explanation(policy, &decision, &checks)
    }
}

/// What begins so is a token, whoever minted it (a JSON object in base64url).
pub(crate) fn is_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.contains('.')
}

async fn picked(app: &App, row: KeyRow, token: Option<AcceptedToken>) -> Result<Picked, Error> {
    let organization = app.store.organization(Scope::Only(row.organization), row.organization).await?;
    let state = organization.as_ref().map_or(OrganizationState::Suspended, |it| it.state);
    let limits = quota::organization_limits(app, organization.and_then(|it| it.plan)).await?;
    let skill = skills::of_key(app.store.as_ref(), &row).await?;
    Picked::new(row, state, limits, skill, token)
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
