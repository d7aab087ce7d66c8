//! Scopes: `resource:action`, granted as a sorted, space-separated list, wanted as `all` or `any`.
//!
//! It compares text; it does not know which scopes exist (the policy does). Invariant: a key without scopes satisfies
//! no requirement that names one.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::ascii::same;

/// A scope that is not `resource:action`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope: expected `resource:action` of letters, digits, `-`, `_` and `.`")]
pub struct InvalidScope(String);

/// Bytes from which on a list is searched by halves.
const LONG: usize = 128;

/// One scope, well formed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    text: Box<str>,
    colon: usize,
}

impl Scope {
    /// Parses `resource:action`; `resource:*` only where `wildcard` allows it.
    fn parse_with(text: &str, wildcard: bool) -> Result<Self, InvalidScope> {
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        match text.split_once(':') {
            Some((resource, action)) if word(resource) && (word(action) || wildcard && action == "*") => {
                Ok(Self { text: text.into(), colon: resource.len() })
            }
            _ => Err(InvalidScope(text.into())),
        }
    }

    /// A scope that a rule wants: no wildcard.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        Self::parse_with(text, false)
    }

    /// A scope that a key holds: `resource:*` too.
    pub fn parse_grant(text: &str) -> Result<Self, InvalidScope> {
        Self::parse_with(text, true)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The resource, before the colon.
    pub fn resource(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    /// The action, behind the colon.
    pub fn action(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or_default()
    }

    /// Whether one of the space-separated `granted` covers this one. A long list is searched by halves first; one that is
    /// not sorted, as another version may have written it, is read to its end all the same.
    fn is_among(&self, granted: &str, write_implies_read: bool) -> bool {
        let covers = |grant: &str| self.is_covered_by(grant, write_implies_read);
        let resource = self.text.get(..=self.colon).unwrap_or_default();
        let of_resource = |list: &str| list.split(' ').take_while(|grant| grant.starts_with(resource)).any(covers);
        granted.len() > LONG && of_resource(not_before(granted, resource)) || granted.split(' ').any(covers)
    }

    /// Whether `grant` covers this one.
    fn is_covered_by(&self, grant: &str, write_implies_read: bool) -> bool {
        let (wanted, grant) = (self.text.as_bytes(), grant.as_bytes());
        if same(grant, wanted) {
            return true;
        }
        // The colon stands behind a word, so it is the first one of either.
        let behind = self.colon + 1;
        match (wanted.get(..behind), grant.split_at_checked(behind)) {
            (Some(resource), Some((head, action))) if same(head, resource) => {
                action == b"*" || write_implies_read && action == b"write" && self.action() == "read"
            }
            _ => false,
        }
    }
}

/// A sorted, space-separated list from the first word on that is not less than `wanted`.
fn not_before<'a>(list: &'a str, wanted: &str) -> &'a str {
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let before = list.as_bytes().get(low..low.midpoint(high)).unwrap_or_default();
        let start = low + before.iter().rposition(|byte| *byte == b' ').map_or(0, |space| space + 1);
        let word = list.get(start..).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        if word < wanted {
            low = start + word.len() + 1;
        } else {
            high = start;
        }
    }
    list.get(low..).unwrap_or_default()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a rule wants of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Requirement {
    /// Any good key.
    #[default]
    Nothing,
    /// Every one of these.
    All(Vec<Scope>),
    /// One of these.
    Any(Vec<Scope>),
}

impl Requirement {
    /// Whether the space-separated `granted` satisfies it.
    pub fn is_met_by(&self, granted: &str, write_implies_read: bool) -> bool {
        let held = |wanted: &Scope| wanted.is_among(granted, write_implies_read);
        match self {
            Self::Nothing => true,
            Self::All(scopes) => scopes.iter().all(held),
            Self::Any(scopes) => scopes.iter().any(held),
        }
    }

    /// The scopes it names.
    pub fn scopes(&self) -> &[Scope] {
        match self {
            Self::Nothing => &[],
            Self::All(scopes) | Self::Any(scopes) => scopes,
        }
    }
}

/// What two lists of grants have in common, as their canonical text: exactly the scopes that both cover.
///
/// Of two grants for one resource, one covers the other or they have nothing in common, so each is either in or out as it is.
/// What is not well formed covers nothing.
pub fn common_grants(one: &str, other: &str, write_implies_read: bool) -> String {
    let mut common: Vec<&str> = Vec::new();
    for (list, by) in [(one, other), (other, one)] {
        for text in list.split(' ') {
            let Ok(grant) = Scope::parse_grant(text) else { continue };
            // Put where it belongs at once: lists are short, and sorting is no small part of a module.
            if by.split(' ').any(|it| grant.is_covered_by(it, write_implies_read))
                && let Err(place) = common.binary_search(&text)
            {
                common.insert(place, text);
            }
        }
    }
    common.join(" ")
}

/// The canonical text of a set of grants: sorted, without duplicates, separated by one space.
pub fn canonical_grants<'a>(grants: impl IntoIterator<Item = &'a str>) -> Result<String, InvalidScope> {
    let mut scopes = grants.into_iter().map(Scope::parse_grant).collect::<Result<Vec<_>, _>>()?;
    scopes.sort();
    scopes.dedup();
    Ok(scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn check(wanted: Requirement, granted: &str, expected: bool) {
        assert_eq!(wanted.is_met_by(granted, false), expected, "{wanted:?} by `{granted}`");
    }

    fn scopes(texts: &[&str]) -> Vec<Scope> {
        texts.iter().map(|text| Scope::parse(text).unwrap()).collect()
    }

    #[test]
    fn requirements() {
        check(Requirement::Nothing, "", true);
        check(Requirement::All(scopes(&["a:read"])), "", false);
        check(Requirement::All(scopes(&["a:read"])), "a:read b:read", true);
        check(Requirement::All(scopes(&["a:read", "b:read"])), "a:read", false);
        check(Requirement::Any(scopes(&["a:read", "b:read"])), "b:read", true);
        check(Requirement::Any(scopes(&["a:read"])), "a:*", true);
        check(Requirement::Any(scopes(&["ab:read"])), "a:*", false);
        check(Requirement::All(scopes(&["a:read"])), "a:write", false);
        check(Requirement::Any(Vec::new()), "a:*", false);
    }

    #[test]
    fn a_long_list_is_searched_by_halves_and_to_its_end() {
        let all: Vec<String> = (0..300).map(|it| format!("r{:03}:{}", it, ["read", "write", "*"][it % 3])).collect();
        let sorted = all.join(" ");
        let mixed: Vec<_> = all.iter().rev().map(String::as_str).collect();
        for (number, grant) in all.iter().enumerate() {
            let wanted = format!("r{number:03}:{}", if number % 3 == 0 { "read" } else { "write" });
            let found = not_before(&sorted, grant);
            assert!(found.starts_with(&**grant), "{grant}");
            for list in [sorted.as_str(), &mixed.join(" ")] {
                check(Requirement::All(scopes(&[&wanted])), list, true);
                check(Requirement::Any(scopes(&[&format!("r{number:03}:other")])), list, number % 3 == 2);
                check(Requirement::Any(scopes(&[&format!("r{number:03}0:read")])), list, false);
            }
        }
        assert_eq!(
            (not_before(&sorted, "a"), not_before(&sorted, "s"), not_before("", "a")),
            (sorted.as_str(), "", "")
        );
    }

    #[test]
    fn write_implies_read_only_when_the_policy_says_so() {
        let wanted = Requirement::All(scopes(&["a:read"]));
        assert!(wanted.is_met_by("a:write", true));
        assert!(!Requirement::All(scopes(&["a:write"])).is_met_by("a:read", true));
    }

    #[test]
    fn what_two_lists_have_in_common() {
        // (one, other, in common, in common if write implies read)
        for (one, other, plain, implied) in [
            ("", "", "", ""),
            ("a:read", "", "", ""),
            ("a:read", "a:read", "a:read", "a:read"),
            ("a:read b:read", "b:read c:read", "b:read", "b:read"),
            ("a:*", "a:read a:write", "a:read a:write", "a:read a:write"),
            ("a:*", "a:*", "a:*", "a:*"),
            ("a:* a:read", "a:* b:read", "a:* a:read", "a:* a:read"),
            ("a:*", "ab:read", "", ""),
            ("a:write", "a:read", "", "a:read"),
            ("a:write", "a:read a:write", "a:write", "a:read a:write"),
            ("a:read", "a:write", "", "a:read"),
            ("a:delete", "a:write", "", ""),
            ("nonsense a:read", "nonsense a:read", "a:read", "a:read"),
            ("*:read a:**", "a:read", "", ""),
        ] {
            for (implies, expected) in [(false, plain), (true, implied)] {
                assert_eq!(common_grants(one, other, implies), expected, "`{one}` and `{other}`, {implies}");
                assert_eq!(common_grants(other, one, implies), expected, "`{other}` and `{one}`, {implies}");
            }
        }
    }

    #[test]
    fn what_is_in_common_is_covered_by_both_and_nothing_else_is() {
        let grants = ["a:*", "a:read", "a:write", "a:delete", "b:*", "b:read", "b:write"];
        let wanted = scopes(&["a:read", "a:write", "a:delete", "a:other", "b:read", "b:write"]);
        let lists: Vec<String> = (0..1_usize << grants.len())
            .map(|set| {
                let held = grants.iter().enumerate().filter(|(index, _)| set >> index & 1 == 1);
                held.map(|(_, grant)| *grant).collect::<Vec<_>>().join(" ")
            })
            .collect();
        for (one, other) in lists.iter().flat_map(|one| lists.iter().map(move |other| (one, other))) {
            for implies in [false, true] {
                let common = common_grants(one, other, implies);
                for scope in &wanted {
                    let met = |held: &str| Requirement::All([scope.clone()].into()).is_met_by(held, implies);
                    assert_eq!(met(&common), met(one) && met(other), "{scope} by `{one}` and `{other}`, {implies}");
                }
            }
        }
    }

    #[test]
    fn grants_have_one_text() {
        assert_eq!(canonical_grants(["b:read", "a:*", "b:read"]).as_deref(), Ok("a:* b:read"));
        for bad in ["", "a", "a:", ":b", "a:b:c", "*:read", "a b:c", "é:read"] {
            assert!(canonical_grants([bad]).is_err(), "{bad}");
        }
        assert!(Scope::parse("a:*").is_err());
    }
}
