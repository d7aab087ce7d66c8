//! Every page, rendered twice: rich, with hostile names in it, and empty. For tests, and to look at.

use askama::Template;

use super::audit::AuditRow;
use super::gate::Gate;
use super::receipt::Receipt;
use super::shell::{Can, Notice, NoticeKind, Section, Shell, Viewer};
use super::when::When;

mod apps;
mod explain;
mod keys;
mod management;
mod outside;
mod plans;
mod policy;
mod secrets;
mod signing_keys;
mod skills;
mod usage;
mod webhooks;

/// 2026-01-15T12:00:00Z
pub(super) const NOW: u64 = 1_768_478_400;
/// What nobody should be able to make a page do.
pub(super) const HOSTILE: &str = r#"<script>alert("1")</script>'"#;

/// A page's name and its HTML.
pub(super) type Page = (&'static str, String);

/// All of them.
pub(super) fn all() -> Vec<Page> {
    [
        outside::pages(),
        keys::pages(),
        explain::pages(),
        management::pages(),
        policy::pages(),
        webhooks::pages(),
        apps::pages(),
        plans::pages(),
        secrets::pages(),
        signing_keys::pages(),
        skills::pages(),
        usage::pages(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn page(name: &'static str, template: &impl Template) -> Page {
    (name, template.render().unwrap())
}

fn ago(seconds: u64) -> When {
    When::new(NOW - seconds, NOW)
}

fn days(days: u64) -> u64 {
    days * 24 * 60 * 60
}

fn receipt(enforced: usize) -> Receipt {
    let text = format!("enforced on {enforced} of 2 edges{}", if enforced == 2 { ", slowest 140 ms" } else { "" });
    Receipt { version: 118, edges: 2, enforced, complete: enforced == 2, text }
}

/// The owner of the operator's organisation.
fn shell(title: &str, section: Section) -> Shell {
    let can = Can {
        keys_write: true,
        secrets_read: true,
        secrets_write: true,
        skills_read: true,
        skills_write: true,
        members_read: true,
        members_write: true,
        tokens_write: true,
        audit_read: true,
        policy_read: true,
        policy_write: true,
        edges_read: true,
        organizations_write: true,
        operate: true,
    };
    let viewer = Viewer {
        name: "Ada Lindqvist".to_owned(),
        email: "ada@example.com".to_owned(),
        role: "owner".to_owned(),
        organization: "Northwind Platform".to_owned(),
        others: pairs(&[("org_1111111111111111", HOSTILE)]),
        can,
    };
    Shell { title: title.to_owned(), section, viewer, csrf: "csrf-token".to_owned(), notice: None, quota: None }
}

/// A viewer of another organisation, who may do nothing.
fn viewer_shell(title: &str, section: Section) -> Shell {
    let viewer = Viewer {
        name: HOSTILE.to_owned(),
        email: "vera@example.org".to_owned(),
        role: "viewer".to_owned(),
        organization: HOSTILE.to_owned(),
        others: Vec::new(),
        can: Can::default(),
    };
    Shell { viewer, ..shell(title, section) }
}

fn noticed(shell: Shell, text: &str, enforced: usize) -> Shell {
    let kind = if enforced == 2 { NoticeKind::Done } else { NoticeKind::Warning };
    let notice = Notice { kind, text: text.to_owned(), detail: None, receipt: Some(receipt(enforced)) };
    Shell { notice: Some(notice), ..shell }
}

fn gate(title: &str, problem: Option<&str>) -> Gate {
    let notice =
        problem.map(|text| Notice { kind: NoticeKind::Problem, text: text.to_owned(), detail: None, receipt: None });
    Gate { title: title.to_owned(), csrf: "csrf-token".to_owned(), notice }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn pairs(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    texts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn entries() -> Vec<AuditRow> {
    let entry = |seconds, actor: &str, action: &str, target: &str, href: Option<&str>, detail, version| AuditRow {
        at: ago(seconds),
        actor: actor.to_owned(),
        actor_kind: "user".to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        target_href: href.map(str::to_owned),
        detail: pairs(detail),
        address: Some("203.0.113.7".to_owned()),
        request_id: "req_0pQ3x7yT2mVb".to_owned(),
        version,
    };
    let key = Some("/keys/key_4fTq9ZxLw2Pm0aRb");
    vec![
        entry(40, "Ada Lindqvist", "key.revoked", "legacy-sync", key, &[("reason", "leaked")], Some(118)),
        entry(1900, "deploy-bot", "key.created", "checkout-api", key, &[("environment", "production")], Some(117)),
        entry(9000, HOSTILE, "key.restricted", HOSTILE, key, &[("ip", "203.0.113.0/24"), ("mode", "trial")], Some(116)),
        entry(days(3), "Ada Lindqvist", "policy.published", "version 7", Some("/policy/versions/7"), &[], Some(109)),
        entry(days(80), "Grace Otieno", "member.invited", "viewer", None, &[], None),
    ]
}
