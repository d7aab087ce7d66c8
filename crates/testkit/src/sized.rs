//! Policies and bundles of any size, for measuring what size costs.
//!
//! Every key, rule and scope is like the next, and the same in every run. Invariant: whatever the size, each key may make
//! [`Size::PATH`]'s request, and what that takes differs by nothing but the size.

use anyhow::{Context as _, Result};
use portcullis_bundle::{KeyEntry, Layout, OrganizationEntry};
use portcullis_engine::{
    KeyDigest, KeyStatus, OrganizationId, OrganizationLimits, OrganizationState, PolicySpec, RestrictionSet,
};

use crate::bundle::TestBundle;
use crate::key::{key_id, organization_id};

/// How much there is of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Keys.
    pub keys: usize,
    /// Rules of the policy.
    pub rules: usize,
    /// Scopes of each key.
    pub scopes: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { keys: 10_000, rules: 10, scopes: 1 }
    }
}

impl Size {
    /// What every key may get.
    pub const PATH: &'static str = "/api/v1/skills?limit=20";

    /// The scopes of each key: the one that the request wants stands in the middle.
    #[must_use]
    pub fn key_scopes(&self) -> Vec<String> {
        names(self.scopes).iter().map(|name| format!("{name}:read")).collect()
    }

    /// The policy, as TOML: each rule wants a scope of its own, and the one that the request meets stands in the middle.
    #[must_use]
    pub fn policy(&self) -> String {
        let rule = |name: &String| {
            format!("[[rules]]\nmethods = [\"GET\"]\npath = \"/api/v1/{name}/**\"\nall = [\"{name}:read\"]\n")
        };
        let rules: String = names(self.rules).iter().map(rule).collect();
        let scopes: Vec<String> =
            names(self.rules.max(self.scopes)).iter().map(|name| format!("\"{name}:read\"")).collect();
        format!(
            "name = \"sized\"\nenvironments = [\"production\"]\nscopes = [{}]\n\
             [[credentials]]\nin = \"header\"\nname = \"authorization\"\nscheme = \"Bearer\"\n\
             [[keys]]\nprefix = \"sp_live_\"\nenvironment = \"production\"\nbody_length = 32\n{rules}",
            scopes.join(", ")
        )
    }

    /// A bundle of all this, issued at `now`, in Unix seconds.
    ///
    /// # Errors
    ///
    /// When the policy does not parse, or something is too large for a bundle.
    pub fn bundle(&self, now: u64) -> Result<TestBundle> {
        let organization = organization_id("sized");
        let entry = OrganizationEntry {
            id: organization,
            state: OrganizationState::Active,
            limits: OrganizationLimits::default(),
        };
        let scopes = self.key_scopes();
        let keys: Vec<KeyEntry> = (0..self.keys).map(|number| key_entry(number, organization, &scopes)).collect();
        TestBundle::build(&self.spec()?, &keys, &[entry], 1, now)
    }

    fn spec(&self) -> Result<PolicySpec> {
        portcullis_policy::parse(&self.policy(), "sized.toml").map_err(|wrong| anyhow::anyhow!("{wrong:?}"))
    }

    /// Pairs of keys of one bucket, each pair of another.
    ///
    /// # Errors
    ///
    /// When there are not that many buckets with two keys.
    pub fn pairs(&self, wanted: usize) -> Result<Vec<[String; 2]>> {
        let layout = Layout::for_counts(self.keys, 1);
        let mut firsts: Vec<(usize, String, Option<String>)> = Vec::new();
        for text in (0..self.keys).map(key_text) {
            let bucket = layout.key_bucket_of(&KeyDigest::of(text.as_bytes()));
            let (place, full) = (firsts.iter().position(|(known, ..)| *known == bucket), firsts.len() == wanted);
            match place.and_then(|place| firsts.get_mut(place)) {
                Some((_, _, second)) => *second = second.take().or(Some(text)),
                None if !full => firsts.push((bucket, text, None)),
                None => {}
            }
            if firsts.len() == wanted && firsts.iter().all(|(_, _, second)| second.is_some()) {
                break;
            }
        }
        let pairs: Vec<_> = firsts.into_iter().filter_map(|(_, first, second)| Some([first, second?])).collect();
        (pairs.len() == wanted).then_some(pairs).context("too few buckets have two keys")
    }
}

/// The text of a key.
#[must_use]
pub fn key_text(number: usize) -> String {
    format!("sp_live_{number:032}")
}

/// As many names, `skills` in their middle.
fn names(count: usize) -> Vec<String> {
    let name = |number| if number == count / 2 { "skills".to_owned() } else { format!("r{number}") };
    (0..count).map(name).collect()
}

fn key_entry(number: usize, organization: OrganizationId, scopes: &[String]) -> KeyEntry {
    let text = key_text(number);
    KeyEntry {
        digest: KeyDigest::of(text.as_bytes()),
        id: key_id(&text),
        organization,
        status: KeyStatus::Active,
        expires_at: None,
        scopes: scopes.to_vec(),
        restrictions: RestrictionSet::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_a_bundle_with_pairs_of_neighbours() {
        for (keys, rules, scopes) in [(1000, 1, 1), (1000, 1000, 1), (1000, 10, 1000)] {
            let size = Size { keys, rules, scopes };
            let manifest = size.bundle(1).unwrap().manifest;
            assert_eq!(manifest.key_count, keys as u64);
            let bucket = |text: &String| manifest.layout.key_bucket_of(&KeyDigest::of(text.as_bytes()));
            for [first, second] in size.pairs(16).unwrap() {
                assert_ne!(first, second);
                assert_eq!(bucket(&first), bucket(&second));
            }
        }
        assert!(Size { keys: 1, ..Size::default() }.pairs(1).is_err());
    }
}
