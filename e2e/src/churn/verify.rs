//! Holding what was answered against what a control plane says afterwards: its keys and its audit log.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;

use super::{Answered, State};
use crate::control::Control;
use crate::report::Report;

/// What differs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verified {
    /// Keys whose creation was answered and that are not there.
    missing: usize,
    /// Keys in another state than was answered.
    other_state: usize,
    /// Keys that nobody was told of.
    untold: usize,
    /// Answered changes without a row in the audit log.
    unlogged: usize,
    /// Rows of one change beyond the first.
    logged_twice: usize,
    /// All keys there are, and all rows of creations.
    keys: usize,
    created_rows: usize,
    /// Rows of revocations of keys that were answered.
    revoked_rows: usize,
}

impl Verified {
    /// Reads everything that a control plane has. Keys that were there before are given as `others`.
    pub(crate) async fn read(control: &Control, answered: &Answered, others: usize) -> anyhow::Result<Self> {
        let mut verified = Self::default();
        let keys = control.list("/v1/keys").await?;
        let field = |key: &Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
        let statuses: BTreeMap<String, String> =
            keys.iter().map(|key| (field(key, "id"), field(key, "status"))).collect();
        verified.untold = (statuses.len() - others.min(statuses.len())).saturating_sub(answered.keys.len());
        for (id, state) in &answered.keys {
            match (statuses.get(id).map(String::as_str), state) {
                (None, _) => verified.missing += 1,
                (Some("active"), State::Active | State::Unknown) => {}
                (Some("revoked"), State::Revoked | State::Unknown) => {}
                (Some(_), _) => verified.other_state += 1,
            }
        }
        let created = rows(control, "key.created").await?;
        let revoked = rows(control, "key.revoked").await?;
        for (id, state) in &answered.keys {
            verified.unlogged += usize::from(!created.contains_key(id));
            verified.unlogged += usize::from(*state == State::Revoked && !revoked.contains_key(id));
        }
        verified.logged_twice = created.values().chain(revoked.values()).map(|count| count - 1).sum();
        verified.keys = statuses.len();
        verified.created_rows = created.values().sum();
        verified.revoked_rows = answered.keys.keys().filter_map(|id| revoked.get(id)).sum();
        Ok(verified)
    }

    /// What was answered is there, once. What was not answered may be there or not, and is in both places or in none.
    pub(crate) fn check(&self, what: &str, answered: &Answered, report: &mut Report) {
        report.equal(format!("{what}: keys that were answered and are missing"), self.missing, 0);
        report.equal(format!("{what}: keys in another state than was answered"), self.other_state, 0);
        report.equal(format!("{what}: answered changes that the audit log lacks"), self.unlogged, 0);
        report.equal(format!("{what}: changes that the audit log has twice"), self.logged_twice, 0);
        let lost = answered.lost_creations;
        report.check(
            format!("{what}: {} keys nobody was told of, {lost} answers lost", self.untold),
            self.untold <= lost,
        );
        report.equal(format!("{what}: rows of creations, one a key"), self.created_rows, self.keys);
        let revoked = answered.revoke_ms.len();
        let rows = self.revoked_rows;
        let most = revoked + answered.lost_revocations;
        report
            .check(format!("{what}: {rows} rows of revocations, {revoked} answered"), (revoked..=most).contains(&rows));
    }
}

/// How many rows of an action each key has.
async fn rows(control: &Control, action: &str) -> anyhow::Result<BTreeMap<String, usize>> {
    let answer = control.call("GET", &format!("/v1/audit/export?format=jsonl&action={action}"), None).await?;
    anyhow::ensure!(answer.status == 200, "the audit export answered {}", answer.gist());
    let mut rows = BTreeMap::new();
    for line in String::from_utf8_lossy(&answer.body).lines() {
        let row: Value = serde_json::from_str(line).with_context(|| format!("an audit row is not JSON: {line}"))?;
        let id = row["target"]["id"].as_str().context("an audit row without a target")?;
        *rows.entry(id.to_owned()).or_default() += 1;
    }
    Ok(rows)
}
