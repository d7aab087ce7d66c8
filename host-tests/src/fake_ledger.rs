//! The control plane's side of `/edge/v1/leases`, from memory: one meter a subject, one period each.
//!
//! It follows what was agreed, without a database and without patience: who is short makes it ask the others at once.
//! Invariant: what it has granted and not got back is never more than the limit.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Meters and who holds what of them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    meters: BTreeMap<String, Meter>,
    leases: BTreeMap<(String, String), Lease>,
    pub(crate) drain: bool,
}

#[derive(Debug)]
struct Meter {
    limit: u64,
    period: u64,
    ends: u64,
    /// The process that got nothing.
    short: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lease {
    granted: u64,
    spent: u64,
    returned: u64,
    revision: u64,
}

impl Ledger {
    pub(crate) fn set(&mut self, subject: &str, limit: u64, period: u64, ends: u64) {
        self.meters.insert(subject.to_owned(), Meter { limit, period, ends, short: None });
    }

    /// What is charged to a meter: all that is out.
    pub(crate) fn charged(&self, subject: &str) -> u64 {
        let of = self.leases.iter().filter(|((_, it), _)| it == subject);
        of.map(|(_, it)| it.granted.saturating_sub(it.returned)).sum()
    }

    pub(crate) fn answer(&mut self, request: &Value) -> Value {
        let boot = text(request, "boot").to_owned();
        let (mut grants, mut unmetered) = (Vec::new(), Vec::new());
        for state in request.get("meters").and_then(Value::as_array).into_iter().flatten() {
            let subject = text(state, "subject");
            match self.meters.contains_key(subject) {
                true => grants.push(self.grant(&boot, subject, state)),
                false => unmetered.push(subject.to_owned()),
            }
        }
        let mut floors = Value::Null;
        if let Some(version) = request.pointer("/floors/version").and_then(Value::as_u64) {
            let subjects: Vec<_> = self.meters.keys().filter(|_| version == 0).cloned().collect();
            let floor = |subject: &String| self.grant(&boot, subject, &json!({ "want": 1 }));
            grants.extend(subjects.iter().map(floor).collect::<Vec<_>>());
            floors = json!({ "version": 1_000_000 });
        }
        let is_recalled = |it: &(&String, &Meter)| it.1.short.as_ref().is_some_and(|short| *short != boot);
        let recall: Vec<_> = self.meters.iter().filter(is_recalled).map(|(subject, _)| subject.clone()).collect();
        json!({ "valid_seconds": 60, "unmetered": unmetered, "drain": self.drain, "floors": floors, "grants": grants,
            "recall": recall })
    }

    fn grant(&mut self, boot: &str, subject: &str, state: &Value) -> Value {
        let number = |name: &str| state.get(name).and_then(Value::as_u64).unwrap_or_default();
        let Some(meter) = self.meters.get(subject) else { return Value::Null };
        let (limit, period, ends) = (meter.limit, meter.period, meter.ends);
        let lease = self.leases.entry((boot.to_owned(), subject.to_owned())).or_default();
        if number("period") == period {
            lease.returned = lease.returned.max(number("returned"));
            if number("revision") > lease.revision {
                (lease.revision, lease.spent) = (number("revision"), number("spent"));
            }
        }
        let held = lease.granted.saturating_sub(lease.spent + lease.returned);
        let wanted = if self.drain { 0 } else { number("want").saturating_sub(held) };
        let free = limit.saturating_sub(self.charged(subject));
        let most = (limit / 10).max(1).max(number("least").saturating_sub(held));
        let size = wanted.min(most).min(free);
        let others = self.leases.iter().filter(|((b, s), _)| b != boot && s == subject);
        let others: u64 = others.map(|(_, it)| it.granted.saturating_sub(it.spent + it.returned)).sum();
        let is_short = size == 0 && wanted > 0;
        if let Some(meter) = self.meters.get_mut(subject) {
            meter.short = (is_short && others > 0).then(|| boot.to_owned());
        }
        let lease = self.leases.entry((boot.to_owned(), subject.to_owned())).or_default();
        lease.granted += size;
        let state = match is_short {
            false => "granted",
            true if others > 0 => "busy",
            true => "exhausted",
        };
        json!({ "subject": subject, "period": period, "ends": ends, "granted": lease.granted, "limit": limit,
            "remaining": free, "state": state, "retry_after": if is_short { 2 } else { 0 } })
    }
}

fn text<'v>(of: &'v Value, name: &str) -> &'v str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}
