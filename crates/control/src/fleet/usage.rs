//! What a report tells of each key's requests, made fit to be kept.
//!
//! Invariant: an hour is one that is kept and not in the future; of rules there are only so many at a time.

use std::collections::BTreeMap;

use portcullis_api::edge::{Report, Told, Usage};

use super::intake::{MAX_COUNT, MAX_PLACE, MAX_REASONS};
use super::{Known, OTHER, plain};
use crate::clock::{DAY, HOUR};
use crate::policy::PolicyRoom;
use crate::store::{HOURS_KEPT_DAYS, Noted, Used, UsedFor};

/// Rules that edges told lately; further ones are all called [`OTHER`].
const MAX_ROUTES: usize = 2000;
/// A rule that nobody told for so long makes room for another.
const ROUTES_KEPT_MS: u64 = 2 * DAY * 1000;
/// As much as a count times what a request can cost.
const MAX_COST: u64 = MAX_COUNT << 16;

/// Rules as edges write them, as they are kept, and when they were last told.
#[derive(Debug, Default)]
pub(super) struct Routes(BTreeMap<String, (String, u64)>);

impl Routes {
    /// A rule as it is counted: as it is written, if there are not too many others.
    fn named(&mut self, policy: &PolicyRoom, text: &str, now_ms: u64) -> String {
        if let Some((name, told_ms)) = self.0.get_mut(text) {
            *told_ms = now_ms;
            return name.clone();
        }
        if self.0.len() >= MAX_ROUTES || text.len() > 4 * MAX_PLACE {
            return OTHER.to_owned();
        }
        let name = rule_as_counted(policy, text);
        self.0.insert(text.to_owned(), (name.clone(), now_ms));
        name
    }

    pub(super) fn forget_old(&mut self, now_ms: u64) {
        self.0.retain(|_, (_, told_ms)| now_ms.saturating_sub(*told_ms) <= ROUTES_KEPT_MS);
    }
}

/// A rule as rows have it: fit to be kept and shown.
pub(crate) fn rule_as_counted(policy: &PolicyRoom, text: &str) -> String {
    plain::place(policy, text, MAX_PLACE)
}

/// Notes it, in what is one report's alone. Returns how many requests were of what can be no key.
pub(super) fn note(policy: &PolicyRoom, known: &mut Known, report: &Report, now_ms: u64, all: &mut Noted) -> u64 {
    let mut strangers = 0_u64;
    for usage in report.usage.iter().filter_map(Told::known) {
        let Ok(key) = usage.key.parse() else {
            strangers = strangers.saturating_add(requests(usage));
            continue;
        };
        let route = usage.route.as_deref().map(|it| known.routes.named(policy, it, now_ms)).unwrap_or_default();
        let what = UsedFor { key, hour: hour(usage.hour, now_ms / 1000), route, reason: String::new() };
        if usage.last > 0 {
            all.used(key, usage.last.min(now_ms / 1000));
        }
        if usage.allowed > 0 || usage.cost > 0 {
            all.did(what.clone(), Used { requests: usage.allowed, cost: usage.cost });
        }
        for (reason, number) in usage.denied.iter().take(MAX_REASONS).filter(|it| *it.1 > 0) {
            let reason = known.reason(policy, reason);
            all.did(UsedFor { reason, ..what.clone() }, Used { requests: *number, cost: 0 });
        }
    }
    // Of one report, so that saying the same twice gains nothing.
    for used in all.usage.values_mut() {
        *used = Used { requests: used.requests.min(MAX_COUNT), cost: used.cost.min(MAX_COST) };
    }
    strangers
}

fn requests(usage: &Usage) -> u64 {
    usage.denied.values().take(MAX_REASONS).fold(usage.allowed, |sum, it| sum.saturating_add(*it)).min(MAX_COUNT)
}

/// The hour that one is counted in: no other is kept, and an edge's clock may be wrong.
fn hour(told: u64, now: u64) -> u64 {
    let this = now / HOUR * HOUR;
    (told / HOUR * HOUR).clamp(this.saturating_sub(HOURS_KEPT_DAYS * DAY), this)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain::tests::policy;
    use super::*;

    #[test]
    fn hours_are_those_that_are_kept() {
        const NOON: u64 = 1_768_478_400;
        for (told, expected) in [
            (NOON, NOON),
            (NOON + 10, NOON),
            (NOON + 3600, NOON),
            (u64::MAX, NOON),
            (NOON - 1, NOON - 3600),
            (NOON - 35 * DAY, NOON - 35 * DAY),
            (NOON - 35 * DAY - 1, NOON - 35 * DAY),
            (0, NOON - 35 * DAY),
        ] {
            assert_eq!(hour(told, NOON + 59), expected, "{told}");
        }
    }

    #[test]
    fn what_a_report_tells_of_one_key_and_rule_is_no_more_than_a_vm_can_count() {
        let usage = json!({
            "key": "key_0000000000000000", "hour": 0, "route": "/a", "allowed": u64::MAX, "cost": u64::MAX,
            "denied": { "no_rule": u64::MAX },
        });
        let report = json!({ "edge": "e", "vm": "1", "applied_version": 1, "usage": vec![usage; 100] });
        let (report, mut all): (Report, _) = (serde_json::from_value(report).unwrap(), Noted::default());
        note(&policy(), &mut Known::default(), &report, 0, &mut all);
        let told: Vec<_> = all.usage.values().map(|it| (it.requests, it.cost)).collect();
        assert_eq!(told, [(MAX_COUNT, MAX_COST), (MAX_COUNT, 0)]);
    }

    #[test]
    fn rules_are_so_many_and_make_room() {
        let (policy, mut routes) = (policy(), Routes::default());
        let mut named = |text: &str, now_ms| routes.named(&policy, text, now_ms);
        for (text, expected) in [
            ("GET /v1/users/{id}", "GET /v1/users/{id}"),
            ("GET /v1/sk_0123456789/x", "GET /v1/***/x"),
            ("* /v1/**\n", "* /v1/**"),
            ("x".repeat(900).as_str(), OTHER),
        ] {
            assert_eq!(named(text, 0), expected, "{text}");
        }
        let told: std::collections::BTreeSet<_> = (0..3000).map(|n| named(&format!("GET /{n}"), 0)).collect();
        assert_eq!(told.len(), MAX_ROUTES - 3 + 1, "and the rest together");
        assert_eq!((named("GET /1", 5), named("GET /2999", 5).as_str()), ("GET /1".to_owned(), OTHER));
        routes.forget_old(ROUTES_KEPT_MS + 1);
        assert_eq!((routes.0.len(), routes.named(&policy, "GET /2999", 0).as_str()), (1, "GET /2999"));
    }
}
