//! What is tried on a key: scopes and restrictions that somebody means to set, looked at beside those that are set.
//!
//! It never denies; whoever decides only counts what it says. Invariant: its restrictions observe, and a trial of nothing
//! is no trial.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use super::{Kinds, Mode, RestrictionError};
use crate::scope::{InvalidScope, Scope, canonical_grants};
use crate::spec::{EndpointSpec, IpSpec, ReferrerSpec, TrialSpec};

/// What is tried on a key, compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    kinds: Kinds,
    scopes: Option<Box<str>>,
    retiring: bool,
}

impl Trial {
    pub(super) fn compile(spec: &TrialSpec) -> Result<Self, RestrictionError> {
        // What a mode says here means nothing, so that equal trials have equal texts.
        let ip = spec.ip.clone().map(|it| IpSpec { mode: Mode::Observe, ..it });
        let referrer = spec.referrer.clone().map(|it| ReferrerSpec { mode: Mode::Observe, ..it });
        let endpoint = spec.endpoint.clone().map(|it| EndpointSpec { mode: Mode::Observe, ..it });
        Ok(Self {
            kinds: Kinds::compile(ip.as_ref(), referrer.as_ref(), endpoint.as_ref())?,
            scopes: spec.scopes.as_deref().map(compile_scopes).transpose()?,
            retiring: spec.retiring,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.scopes.is_none() && !self.retiring
    }

    pub(super) fn to_spec(&self) -> TrialSpec {
        let (ip, referrer, endpoint) = self.kinds.to_spec();
        let scopes = self.scopes.as_deref().map(|text| text.split_whitespace().map(ToString::to_string).collect());
        TrialSpec { ip, referrer, endpoint, scopes, retiring: self.retiring }
    }

    /// Scopes in place of the key's own, space separated.
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

fn compile_scopes(list: &[String]) -> Result<Box<str>, RestrictionError> {
    for (index, text) in list.iter().enumerate() {
        Scope::parse_grant(text).map_err(|problem| at(index, problem))?;
    }
    canonical_grants(list.iter().map(String::as_str)).map(Into::into).map_err(|problem| at(0, problem))
}

fn at(index: usize, problem: InvalidScope) -> RestrictionError {
    RestrictionError { field: format!("scopes[{index}]"), problem: problem.into() }
}
