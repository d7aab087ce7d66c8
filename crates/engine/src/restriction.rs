//! A key's restrictions, compiled: where it may be used from, by which pages, for which endpoints; and its own limits.
//!
//! AND across kinds, OR within a kind; absent = unrestricted, an empty list = deny all. Each kind enforces or only
//! observes. It decides nothing else about a key. Invariant: two sets that mean the same have the same canonical spec.

mod kinds;
mod limits;
mod trial;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};

use crate::id::{InvalidId, SkillId};
use crate::ip::NetworkError;
use crate::limit::InvalidRate;
use crate::referrer::ReferrerPatternError;
use crate::scope::InvalidScope;
use crate::spec::{ModeSpec, RestrictionsSpec};
use crate::template::{MethodError, TemplateError};

pub(crate) use kinds::{Checked, Kinds};
pub use limits::KeyLimits;
pub use trial::Trial;

/// Whether a restriction denies or only counts what it would have denied.
pub type Mode = ModeSpec;

/// All restrictions of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestrictionSet {
    kinds: Kinds,
    limits: Option<KeyLimits>,
    skill: Option<SkillId>,
    trial: Option<Box<Trial>>,
}

/// A restriction that cannot be compiled, with the field it stands in (`ip.allow[1]`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct RestrictionError {
    /// Where in the spec: `ip.allow[1]`.
    pub field: String,
    /// What is wrong with it.
    pub problem: RestrictionProblem,
}

/// What is wrong with a restriction's entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestrictionProblem {
    /// Not an address or network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Not a referrer pattern.
    #[error(transparent)]
    Referrer(#[from] ReferrerPatternError),
    /// Not a path template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Not a method.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// Not `METHOD /path`.
    #[error("`{0}` is not an endpoint: expected `METHOD /path/template` or `* /path/template`")]
    Endpoint(String),
    /// Not a scope.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    /// Not an identifier of a key or skill.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// Not a rate.
    #[error(transparent)]
    Rate(#[from] InvalidRate),
}

impl RestrictionSet {
    /// Compiles a spec.
    pub fn compile(spec: &RestrictionsSpec) -> Result<Self, RestrictionError> {
        let kinds = Kinds::compile(spec.ip.as_ref(), spec.referrer.as_ref(), spec.endpoint.as_ref())?;
        let limits = spec.limits.as_ref().map(KeyLimits::compile).transpose()?;
        let skill = spec.skill.as_deref().map(str::parse).transpose();
        let skill =
            skill.map_err(|problem: InvalidId| RestrictionError { field: "skill".into(), problem: problem.into() })?;
        let trial = spec.trial.as_ref().map(Trial::compile).transpose().map_err(|error| error.within("trial"))?;
        Ok(Self {
            kinds,
            limits: limits.filter(|limits| !limits.is_empty()),
            skill,
            trial: trial.filter(|trial| !trial.is_empty()).map(Box::new),
        })
    }

    /// Whether there is nothing at all, tried, counted or enforced.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.limits.is_none() && self.skill.is_none() && self.trial.is_none()
    }

    /// The canonical spec: same meaning, same text.
    pub fn to_spec(&self) -> RestrictionsSpec {
        let (ip, referrer, endpoint) = self.kinds.to_spec();
        let limits = self.limits.map(KeyLimits::to_spec);
        let skill = self.skill.map(|it| it.to_string());
        RestrictionsSpec { ip, referrer, endpoint, limits, skill, trial: self.trial.as_deref().map(Trial::to_spec) }
    }

    /// The key's own limits, if it has any.
    pub fn limits(&self) -> Option<&KeyLimits> {
        self.limits.as_ref()
    }

    /// The skill that the key belongs to, if it belongs to one.
    pub fn skill(&self) -> Option<SkillId> {
        self.skill
    }

    /// What is enforced or observed.
    pub(crate) fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// What is tried on the key, if anything. It never denies.
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_deref()
    }

    /// Whether browsers use the key: it has referrer rules. What is only tried does not count, since it must not change
    /// what a client sees.
    pub fn is_for_browsers(&self) -> bool {
        self.kinds.has_referrer()
    }
}

impl RestrictionError {
    fn within(self, parent: &str) -> Self {
        Self { field: format!("{parent}.{}", self.field), problem: self.problem }
    }
}
