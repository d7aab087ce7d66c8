//! A decision as people and programs read it.

use std::net::IpAddr;

use portcullis_engine::{Check, Decision, Denial, Identity, Outcome, Policy};
use serde_json::{Value, json};

use super::request::Wire;
use crate::args::Output;
use crate::exit::Failure;
use crate::output;
use crate::table::Table;

pub(super) fn print(
    policy: &Policy,
    request: &Wire,
    from: IpAddr,
    decision: &Decision<'_>,
    checks: &[Check],
    how: Output,
) -> Result<(), Failure> {
    if how.json {
        return Ok(output::json(&as_json(policy, decision, checks))?);
    }
    let path = request.path.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    // The path may hold a key in its query: only what stands before it is shown.
    let path = path.split('?').next().unwrap_or_default();
    output::data(&format!("{} {} from {from}", request.method, path.escape_debug()));
    let mut table = Table::pairs();
    for check in checks {
        let (word, reason) = outcome(check.outcome);
        let detail = [reason.unwrap_or_default(), &check.detail].join(" ");
        table.row([format!("  {}", check.step.as_str()), word.to_owned(), detail.trim().to_owned()]);
    }
    output::data(&table.to_string());
    output::data(&verdict(policy, decision));
    if let Some(identity) = identity(decision) {
        let Identity { key, organization, environment, scopes } = identity;
        output::data(&format!("key {key} of {organization}, {environment}, scopes: {}", or_none(scopes)));
    }
    Ok(())
}

fn verdict(policy: &Policy, decision: &Decision<'_>) -> String {
    match decision {
        Decision::Allow(_) => "allow".to_owned(),
        Decision::Deny(denial) => {
            let code = denial.reason.code();
            let message = policy.message(code);
            let wanted = required(denial).join(" ");
            let wants = if wanted.is_empty() { String::new() } else { format!("; the rule wants {wanted}") };
            format!("deny: {} {code} \"{message}\" ({}{wants})", code.status(), denial.reason)
        }
    }
}

fn as_json(policy: &Policy, decision: &Decision<'_>, checks: &[Check]) -> Value {
    let checks: Vec<_> = checks.iter().map(check_json).collect();
    let identity = identity(decision).map(|it| {
        json!({
            "key": it.key.to_string(),
            "organization": it.organization.to_string(),
            "environment": it.environment,
            "scopes": it.scopes.split_whitespace().collect::<Vec<_>>(),
        })
    });
    match decision {
        Decision::Allow(grant) => json!({
            "decision": "allow",
            "rule": rule(policy, grant.rule),
            "identity": identity,
            "observed": grant.observed.iter().map(|reason| reason.as_str()).collect::<Vec<_>>(),
            "checks": checks,
        }),
        Decision::Deny(denial) => json!({
            "decision": "deny",
            "status": denial.reason.code().status(),
            "code": denial.reason.code().as_str(),
            "reason": denial.reason.as_str(),
            "message": policy.message(denial.reason.code()),
            "required_scopes": required(denial),
            "retry_after": denial.retry_after,
            "rule": rule(policy, denial.rule),
            "identity": identity,
            "checks": checks,
        }),
    }
}

fn check_json(check: &Check) -> Value {
    let (word, reason) = outcome(check.outcome);
    json!({ "step": check.step.as_str(), "outcome": word, "reason": reason, "detail": check.detail })
}

fn outcome(outcome: Outcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Observed(reason) => ("observed", Some(reason.as_str())),
        Outcome::Denied(reason) => ("denied", Some(reason.as_str())),
    }
}

fn required<'a>(denial: &Denial<'a>) -> Vec<&'a str> {
    denial.required.map(|wanted| wanted.scopes().iter().map(|scope| scope.as_str()).collect()).unwrap_or_default()
}

fn rule(policy: &Policy, index: Option<usize>) -> Option<Value> {
    let index = index?;
    Some(json!({ "index": index, "rule": policy.rules().get(index)?.to_string() }))
}

fn identity<'d, 'a>(decision: &'d Decision<'a>) -> Option<&'d Identity<'a>> {
    match decision {
        Decision::Allow(grant) => grant.identity.as_ref(),
        Decision::Deny(denial) => denial.identity.as_ref(),
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}
