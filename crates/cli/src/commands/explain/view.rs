//! A decision as people read it.

use std::net::IpAddr;

use super::report::{Report, Verdict};
use super::request::Wire;
use crate::output;
use crate::table::Table;

pub(super) fn print(report: &Report<'_>, request: &Wire, from: IpAddr) {
    output::data(&format!("{} {} from {from}", request.method, shown_path(request)));
    let mut table = Table::pairs();
    for check in &report.checks {
        let detail = [check.reason.unwrap_or_default(), &as_written(check.detail)].join(" ");
        table.row([format!("  {}", check.step), check.outcome.to_owned(), detail.trim().to_owned()]);
    }
    if !report.checks.is_empty() {
        output::data(&table.to_string());
    }
    output::data(&verdict(&report.verdict));
    if let Some(who) = &report.identity {
        let scopes = if who.scopes.is_empty() { "none".to_owned() } else { who.scopes.join(" ") };
        output::data(&format!("key {} of {}, {}, scopes: {scopes}", who.key, who.organization, who.environment));
    }
}

/// The default as the policy's file has it.
pub(super) fn as_written(detail: &str) -> String {
    match detail.split_once("default = ") {
        Some((head, default)) => format!("{head}default = `{}`", default.to_ascii_lowercase()),
        None => detail.to_owned(),
    }
}

/// Without its query, which may hold a key.
fn shown_path(request: &Wire) -> String {
    let path = request.path.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    path.split('?').next().unwrap_or_default().escape_debug().to_string()
}

fn verdict(verdict: &Verdict<'_>) -> String {
    match verdict {
        Verdict::Allow { observed } if observed.is_empty() => "allow".to_owned(),
        Verdict::Allow { observed } => format!("allow, although observed restrictions say {}", observed.join(", ")),
        Verdict::Deny { status, code, reason, message, required_scopes, .. } => {
            let wants = required_scopes.join(" ");
            let wants = if wants.is_empty() { wants } else { format!("; the rule wants {wants}") };
            format!("deny: {status} {code} \"{message}\" (reason {reason}{wants})")
        }
    }
}
