//! What one policy changes after another, for the keys that work: who can make which requests no longer, and who can now.
//!
//! Keys that every policy treats alike are one group, and requests that want the same are tried once, so that a hundred
//! thousand keys take no longer than their kinds. Keys' restrictions and their organisations' state are left aside.

mod notes;
mod summary;

use std::collections::BTreeSet;

use portcullis_api::policy::{AccessChange, Endpoint, ExampleKey, PolicyDifference};

use super::PolicyRoom;
use super::probe::{self, Probes, Target};
use super::side::{Demand, Side, key_like};
use crate::store::KeyGroup;

/// How many keys a line names.
const EXAMPLES: usize = 5;
/// A list is cut here; the summary counts all of it.
const MAX_LINES: usize = 200;

/// What `new` changes after `old`.
pub(super) fn between(old: &PolicyRoom, new: &PolicyRoom, groups: &[KeyGroup]) -> PolicyDifference {
    let comparison = Comparison::new(old, new, groups);
    let probes = probe::all(old.spec(), new.spec());
    let mut found = Found::default();
    let mut known = Vec::new();
    for target in &probes.targets {
        comparison.look(target, &probes, &mut known, &mut found);
    }
    let notes = notes::all(&comparison);
    found.tell(groups, notes)
}

/// Two policies, and the keys they are compared for.
struct Comparison<'a> {
    old: Side<'a>,
    new: Side<'a>,
    groups: &'a [KeyGroup],
    /// What stands for each group's keys.
    keys: Vec<String>,
}

/// Whom a request changes for: indexes of groups.
#[derive(Clone, Default, PartialEq, Eq)]
struct Effect {
    loses: Vec<usize>,
    gains: Vec<usize>,
    opens: bool,
    closes: bool,
}

/// What was tried before, and what came of it.
type Known = Vec<((Demand, Demand), Effect)>;

impl<'a> Comparison<'a> {
    fn new(old: &'a PolicyRoom, new: &'a PolicyRoom, groups: &'a [KeyGroup]) -> Self {
        // The keys were made by the old policy, unless it has no format for them.
        let format = |prefix: &str| old.format_with(prefix).or_else(|| new.format_with(prefix));
        let keys = groups.iter().map(|group| key_like(format(&group.prefix), &group.prefix)).collect();
        Self { old: Side::new(old), new: Side::new(new), groups, keys }
    }

    /// Tries what a template stands for, with every method.
    fn look(&self, target: &Target, probes: &Probes, known: &mut Known, found: &mut Found) {
        let mut effects = |path: &str| -> Vec<Effect> {
            probes.methods.iter().map(|method| self.effect(method, path, known)).collect()
        };
        let below = effects(&target.path);
        if let Some((label, path)) = &target.top {
            let top = effects(path);
            if top != below {
                found.add(label, &probes.methods, &top);
            }
        }
        found.add(&target.label, &probes.methods, &below);
    }

    fn effect(&self, method: &str, path: &str, known: &mut Known) -> Effect {
        let demands = (self.old.demand(method, path), self.new.demand(method, path));
        if let Some((_, effect)) = known.iter().find(|(it, _)| *it == demands) {
            return effect.clone();
        }
        let (before, after) = (demands.0.is_public(), demands.1.is_public());
        let mut effect = Effect { opens: !before && after, closes: before && !after, ..Effect::default() };
        for (index, (group, key)) in self.groups.iter().zip(&self.keys).enumerate() {
            let allowed = |side: &Side<'_>| side.allows(method, path, key, group);
            match (allowed(&self.old), allowed(&self.new)) {
                (true, false) => effect.loses.push(index),
                (false, true) => effect.gains.push(index),
                _ => {}
            }
        }
        known.push((demands, effect.clone()));
        effect
    }
}

/// Lines for the answer.
#[derive(Default)]
struct Found {
    loses: Vec<(Endpoint, Vec<usize>)>,
    gains: Vec<(Endpoint, Vec<usize>)>,
    opens: BTreeSet<Endpoint>,
    closes: BTreeSet<Endpoint>,
}

impl Found {
    /// One line for all methods if they are alike, or else one for each.
    fn add(&mut self, path: &str, methods: &[String], effects: &[Effect]) {
        match effects.first() {
            Some(first) if effects.iter().all(|it| it == first) => self.line("*", path, first),
            _ => methods.iter().zip(effects).for_each(|(method, effect)| self.line(method, path, effect)),
        }
    }

    fn line(&mut self, method: &str, path: &str, effect: &Effect) {
        let endpoint = Endpoint { method: method.to_owned(), path: path.to_owned() };
        let put = |lines: &mut Vec<(Endpoint, Vec<usize>)>, groups: &Vec<usize>| {
            if !groups.is_empty() && !lines.iter().any(|(it, _)| *it == endpoint) {
                lines.push((endpoint.clone(), groups.clone()));
            }
        };
        put(&mut self.loses, &effect.loses);
        put(&mut self.gains, &effect.gains);
        if effect.opens {
            self.opens.insert(endpoint.clone());
        }
        if effect.closes {
            self.closes.insert(endpoint);
        }
    }

    fn tell(self, groups: &[KeyGroup], notes: Vec<String>) -> PolicyDifference {
        let all = |lines: &[(Endpoint, Vec<usize>)]| -> u64 {
            let affected: BTreeSet<_> = lines.iter().flat_map(|(_, groups)| groups.iter().copied()).collect();
            affected.into_iter().filter_map(|index| groups.get(index)).map(|group| group.keys).sum()
        };
        let totals = (all(&self.loses), all(&self.gains));
        let [loses, gains] = [self.loses, self.gains].map(|lines| changes(lines, groups));
        let (opens, closes): (Vec<_>, Vec<_>) = (self.opens.into_iter().collect(), self.closes.into_iter().collect());
        let summary = summary::of(totals, &loses, &gains, &opens, &closes);
        let cut = |mut lines: Vec<AccessChange>| {
            lines.truncate(MAX_LINES);
            lines
        };
        let (loses, gains) = (cut(loses), cut(gains));
        PolicyDifference { summary, loses, gains, opens, closes, notes, ..PolicyDifference::default() }
    }
}

/// Those of most keys first.
fn changes(lines: Vec<(Endpoint, Vec<usize>)>, groups: &[KeyGroup]) -> Vec<AccessChange> {
    let change = |(endpoint, affected): (Endpoint, Vec<usize>)| {
        let affected: Vec<_> = affected.into_iter().filter_map(|index| groups.get(index)).collect();
        let examples = affected.iter().flat_map(|group| &group.examples).take(EXAMPLES);
        AccessChange {
            method: endpoint.method,
            path: endpoint.path,
            keys: affected.iter().map(|group| group.keys).sum(),
            examples: examples.map(|(id, name)| ExampleKey { id: id.clone(), name: name.clone() }).collect(),
        }
    };
    let mut changes: Vec<_> = lines.into_iter().map(change).collect();
    changes.sort_by(|a, b| (b.keys, &a.path, &a.method).cmp(&(a.keys, &b.path, &b.method)));
    changes
}
