//! What a VM tells the control plane: the version it enforces, which secrets it can open, what each key did, what it let through and
//! what it refused.
//!
//! Nothing on the request path depends on it. Invariant: a report stays well below the 4 MiB that the control plane reads:
//! usage is some 800 KiB, samples and refusals some 200 KiB each at worst.

use core::num::NonZeroU64;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Control;
use crate::denials::Refused;
use crate::host::{Callout, Host};
use crate::journal::Told;
use crate::samples::Sample;
use crate::usage::Routes;
use crate::usage::told::{Entry, by_reason, last_used};

/// One report.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The edge's name.
    pub edge: &'a str,
    /// This VM, told apart from its siblings.
    pub vm: String,
    /// This run of the process.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub boot: &'a str,
    /// The batch's number; none for a report without counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<NonZeroU64>,
    /// The version it enforces; 0 = none yet.
    pub applied_version: u64,
    /// Seconds since the control plane vouched for it.
    pub bundle_age_seconds: u64,
    /// The edges' keys that it has; none in a VM that gives out no secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_keys: Option<&'a [String]>,
    /// Let through since the last report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<NonZeroU64>,
    /// Keys used since the last report, with about when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub last_used: BTreeMap<String, u64>,
    /// When secrets were last sent to a service.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets_used: BTreeMap<String, u64>,
    /// Denials by reason since the last report.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub denied: BTreeMap<&'static str, u64>,
    /// Would-be denials by reason since the last report.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub observed: BTreeMap<&'static str, u64>,
    /// Let through and worth telling.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub samples: &'a [Sample],
    /// How many more of these there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsampled: Option<NonZeroU64>,
    /// The first that were refused.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub denials: &'a [Refused],
    /// What each key did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<Entry<'a>>,
    /// What went wrong since the last report.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [String],
}

/// Where a VM stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// This VM's number.
    pub vm: u64,
    /// The version it enforces; 0 = none yet.
    pub version: u64,
    /// Seconds since the control plane vouched for it.
    pub age: u64,
    /// The edges' keys that it has, by name; `None` = it gives out no secrets.
    pub edge_keys: Option<&'a [String]>,
}

impl<'a> Report<'a> {
    /// A report of what there is to tell, under that number.
    pub fn new(
        control: &'a Control,
        boot: &'a str,
        seq: u64,
        standing: Standing<'a>,
        told: &'a Told,
        routes: &'a Routes,
    ) -> Self {
        Self {
            edge: &control.edge_id,
            vm: format!("{:016x}", standing.vm),
            boot,
            seq: NonZeroU64::new(seq),
            applied_version: standing.version,
            bundle_age_seconds: standing.age,
            edge_keys: standing.edge_keys,
            allowed: NonZeroU64::new(told.totals.allowed),
            last_used: last_used(&told.rows),
            secrets_used: told.entries.secrets_used.iter().map(|(id, at)| (id.to_string(), *at)).collect(),
            denied: by_reason(&told.totals.denied),
            observed: by_reason(&told.totals.observed),
            samples: told.entries.samples.list(),
            unsampled: NonZeroU64::new(told.entries.samples.beyond()),
            denials: &told.entries.denials,
            usage: told.rows.iter().map(|(hour, row, tally)| Entry::new(*hour, row, tally, routes)).collect(),
            errors: &told.errors,
        }
    }

    /// Its JSON.
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// How many requests a report's usage tells of.
pub fn requests(body: &[u8]) -> u64 {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(default)]
        usage: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        #[serde(default)]
        allowed: u64,
        #[serde(default)]
        denied: BTreeMap<String, u64>,
    }
    let rows = serde_json::from_slice::<Counted>(body).map(|it| it.usage).unwrap_or_default();
    rows.iter().map(|row| row.denied.values().fold(row.allowed, |sum, it| sum.saturating_add(*it))).sum()
}

/// Sends a report off. The answer comes with the returned token.
pub fn send(host: &impl Host, control: &Control, body: &[u8]) -> Option<u32> {
    post(host, control, "/edge/v1/report", body)
}

/// Posts JSON to the control plane.
#[inline(never)]
pub fn post(host: &impl Host, control: &Control, path: &str, body: &[u8]) -> Option<u32> {
    let authorization = control.token.authorization();
    let headers = [
        (":method", "POST"),
        (":path", path),
        (":authority", control.authority.as_str()),
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    host.dispatch(&Callout { cluster: &control.cluster, headers: &headers, body, timeout_ms: 5_000 }).ok()
}

#[cfg(test)]
mod tests {
    use portcullis_engine::{KeyId, Reason};

    use super::*;
    use crate::usage::routes::RouteId;
    use crate::usage::told::{MOST_ROWS, take};
    use crate::usage::waiting::{Row, Tally, Waiting};

    #[test]
    fn the_most_rows_of_one_report_are_far_from_its_limit() {
        let mut waiting = Waiting::default();
        let mut routes = Routes::default();
        for number in 0..2 * MOST_ROWS {
            let bytes = number.to_le_bytes();
            let key = KeyId::from_bytes(core::array::from_fn(|index| bytes.get(index).copied().unwrap_or_default()));
            let route = if number % 2 == 0 { RouteId::default() } else { routes.intern(&"x".repeat(number % 300)) };
            let tally = Tally { allowed: 1, cost: 1, last: 1_768_478_400, denied: vec![(Reason::NoRule, 1)] };
            waiting.add(491_244, Row { key, route }, &tally);
        }
        let rows = take(&mut waiting, &routes);
        let usage: Vec<_> = rows.iter().map(|(hour, row, tally)| Entry::new(*hour, row, tally, &routes)).collect();
        let json = serde_json::to_vec(&(usage, last_used(&rows))).unwrap();
        assert!((100 << 10..900 << 10).contains(&json.len()), "{} rows, {} bytes", rows.len(), json.len());
        let body = format!(
            "{{\"usage\":{}}}",
            serde_json::to_string(&Entry::new(1, &rows[0].1, &rows[0].2, &routes)).unwrap()
        );
        assert_eq!(requests(body.replace(":{", ":[{").replace("}}", "}]}").as_bytes()), 0, "not even JSON");
    }
}
