//! A decision as programs read it; `view` words it for people.

use portcullis_engine::{Check, Code, Decision, Denial, Grant, Identity, Outcome, Policy, Reason, Request};
use serde::Serialize;

/// What was decided, and why.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    #[serde(flatten)]
    pub(super) verdict: Verdict<'a>,
    pub(super) rule: Option<Rule>,
    pub(super) identity: Option<Who<'a>>,
    pub(super) checks: Vec<CheckLine<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub(super) enum Verdict<'a> {
    Allow {
        /// What restrictions in observe mode, or a trial, would have denied for.
        observed: Vec<&'static str>,
    },
    Deny {
        /// The HTTP status the client sees, unless it speaks gRPC.
        status: u16,
        code: &'static str,
        reason: &'static str,
        message: String,
        /// What a gRPC client sees instead of the status.
        grpc_status: Option<u32>,
        required_scopes: Vec<&'a str>,
        retry_after: Option<u64>,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Rule {
    pub(super) index: usize,
    pub(super) text: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Who<'a> {
    pub(super) key: String,
    pub(super) organization: String,
    pub(super) environment: &'a str,
    pub(super) scopes: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct CheckLine<'a> {
    pub(super) step: &'static str,
    pub(super) outcome: &'static str,
    pub(super) reason: Option<&'static str>,
    pub(super) detail: &'a str,
}

impl<'a> Report<'a> {
    pub(super) fn new(policy: &Policy, request: &Request<'_>, decision: &Decision<'a>, checks: &'a [Check]) -> Self {
        let (rule, identity) = match decision {
            Decision::Allow(Grant { rule, identity, .. }) | Decision::Deny(Denial { rule, identity, .. }) => {
                (rule, identity)
            }
        };
        let text = |index: usize| Some(Rule { index, text: policy.rules().get(index)?.to_string() });
        Self {
            verdict: match decision {
                Decision::Allow(grant) => {
                    Verdict::Allow { observed: grant.would_be_reasons().map(Reason::as_str).collect() }
                }
                Decision::Deny(denial) => deny(denial, policy.message(denial.reason.code()), request),
            },
            rule: rule.and_then(text),
            identity: identity.as_ref().map(Who::from),
            checks: checks.iter().map(CheckLine::from).collect(),
        }
    }

    /// What an edge says before its first bundle.
    pub(super) fn without_policy(request: &Request<'_>) -> Self {
        let denial = Denial::early(Reason::NoPolicy);
        let message = Code::PolicyUnavailable.default_message();
        Self { verdict: deny(&denial, message, request), rule: None, identity: None, checks: Vec::new() }
    }

    pub(super) fn is_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allow { .. })
    }
}

fn deny<'a>(denial: &Denial<'a>, message: &str, request: &Request<'_>) -> Verdict<'a> {
    let code = denial.reason.code();
    let required = denial.required.map(|wanted| wanted.scopes().iter().map(|scope| scope.as_str()).collect());
    Verdict::Deny {
        status: code.status(),
        code: code.as_str(),
        reason: denial.reason.as_str(),
        message: message.to_owned(),
        grpc_status: request.is_grpc().then(|| code.grpc_status()),
        required_scopes: required.unwrap_or_default(),
        retry_after: denial.retry_after,
    }
}

impl<'a> From<&Identity<'a>> for Who<'a> {
    fn from(identity: &Identity<'a>) -> Self {
        Self {
            key: identity.key.to_string(),
            organization: identity.organization.to_string(),
            environment: identity.environment,
            scopes: identity.scopes.split_whitespace().collect(),
        }
    }
}

impl<'a> From<&'a Check> for CheckLine<'a> {
    fn from(check: &'a Check) -> Self {
        let (outcome, reason) = match check.outcome {
            Outcome::Passed => ("passed", None),
            Outcome::Observed(reason) => ("observed", Some(reason.as_str())),
            Outcome::Denied(reason) => ("denied", Some(reason.as_str())),
        };
        Self { step: check.step.as_str(), outcome, reason, detail: &check.detail }
    }
}
