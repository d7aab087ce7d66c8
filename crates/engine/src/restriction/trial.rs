//! What is tried on a key: scopes and restrictions that somebody means to set, looked at beside those that are set.
//!
//! It never denies; whoever decides only counts what it says. Invariant: its restrictions observe, and a trial of nothing
//! is no trial.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use super::kinds::sorted;
use super::{Kinds, RestrictionError};
use crate::scope::{InvalidScope, Scope};
use crate::spec::TrialSpec;

/// What is tried on a key, compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    kinds: Kinds,
    scopes: Option<Box<str>>,
    retiring: bool,
}

impl Trial {
    pub(super) fn compile(spec: &TrialSpec) -> Result<Self, RestrictionError> {
        let kinds = Kinds::compile(spec.ip.as_ref(), spec.referrer.as_ref(), spec.endpoint.as_ref())?;
        Ok(Self {
            // What a mode says here means nothing, so that equal trials have equal texts.
            kinds: kinds.observing(),
            scopes: spec.scopes.as_deref().map(compile_scopes).transpose()?,
            retiring: spec.retiring,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.scopes.is_none() && !self.retiring
    }

    pub(super) fn to_spec(&self) -> TrialSpec {
        let (ip, referrer, endpoint) = self.kinds.to_spec();
        let scopes = |text: &str| sorted(text.split_whitespace().map(ToString::to_string).collect());
        let scopes = self.scopes.as_deref().map(scopes);
        TrialSpec { ip, referrer, endpoint, scopes, retiring: self.retiring }
    }

    /// Scopes in place of the key's own, space separated, in any order.
    pub fn scopes(&self) -> Option<&str> {
        self.scopes.as_deref()
    }

    /// Whether the key was rotated and lives on for its overlap.
    pub fn is_retiring(&self) -> bool {
        self.retiring
    }

    /// Restrictions of which only the reasons count.
    pub(crate) fn kinds(&self) -> &Kinds {
        &self.kinds
    }
}

/// In the order they have: a reader needs none, and sorting is no small part of a module.
fn compile_scopes(list: &[String]) -> Result<Box<str>, RestrictionError> {
    for (index, text) in list.iter().enumerate() {
        let at =
            |problem: InvalidScope| RestrictionError { field: format!("scopes[{index}]"), problem: problem.into() };
        Scope::parse_grant(text).map_err(at)?;
    }
    Ok(list.join(" ").into())
}
