//! Rules that guard some methods of a path and leave the others to a laxer rule.
//!
//! Such a policy is valid and often a mistake: `POST /payouts` wants a scope, `PUT /payouts` falls to `/**`. It is for
//! whoever writes policies; no request is decided here. Reading is left out: that reads are freer than writes is what
//! most policies mean.

use alloc::vec::Vec;

use super::{Policy, Rule};
use crate::scope::Requirement;
use crate::spec::{Access, DefaultAccess};

/// Methods of a rule's path that a laxer rule answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The index of the rule that guards other methods of the path.
    pub rule: usize,
    /// The index of the laxer one; `None` = the policy's default.
    pub caught_by: Option<usize>,
    /// The methods that fall to it.
    pub methods: Vec<&'static str>,
}

const WRITES: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

pub(super) fn find(policy: &Policy) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for (index, rule) in policy.rules.iter().enumerate() {
        for method in WRITES.into_iter().filter(|method| !rule.methods.contains(method.as_bytes())) {
            for caught_by in catchers(policy, rule, method) {
                match gaps.iter_mut().find(|gap| gap.rule == index && gap.caught_by == caught_by) {
                    Some(gap) if gap.methods.contains(&method) => {}
                    Some(gap) => gap.methods.push(method),
                    None => gaps.push(Gap { rule: index, caught_by, methods: [method].into() }),
                }
            }
        }
    }
    gaps
}

/// The laxer rules that answer for the method on the rule's path, and below it if the rule is for that too.
fn catchers<'p>(policy: &'p Policy, rule: &'p Rule, method: &'p str) -> impl Iterator<Item = Option<usize>> + 'p {
    rule.template.samples().filter_map(move |sample| {
        let found = policy.router.find(method.as_bytes(), sample.iter().copied());
        let is_meant =
            |other: &Rule| other.methods.lists(method.as_bytes()) && other.template.has_shape(&rule.template);
        match found.and_then(|index| policy.rules.get(index)) {
            Some(other) => {
                (!is_meant(other) && is_laxer(rule, other.access, other.wants_more_than_a_key())).then_some(found)
            }
            None => match policy.default {
                DefaultAccess::Deny => None,
                DefaultAccess::Authenticate => is_laxer(rule, Access::Key, false).then_some(None),
                DefaultAccess::Public => is_laxer(rule, Access::Public, false).then_some(None),
            },
        }
    })
}

fn is_laxer(rule: &Rule, access: Access, wants_more: bool) -> bool {
    match access {
        Access::Public => rule.access == Access::Key,
        Access::Key => rule.wants_more_than_a_key() && !wants_more,
    }
}

impl Rule {
    fn wants_more_than_a_key(&self) -> bool {
        self.requirement != Requirement::Nothing || !self.environments.is_empty()
    }
}
