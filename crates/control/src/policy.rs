//! The policy as the control plane needs it: which environments, scopes and key formats there are.

use portcullis_engine::spec::{KeyFormatSpec, PolicySpec};
use portcullis_engine::{Policy, PolicyError};

/// A policy that compiles.
#[derive(Debug)]
pub(crate) struct PolicyRoom {
    spec: PolicySpec,
}

impl PolicyRoom {
    /// Accepts a policy only if it compiles.
    pub(crate) fn new(spec: PolicySpec) -> Result<Self, PolicyError> {
        Policy::compile(&spec)?;
        Ok(Self { spec })
    }

    /// The policy as written.
    pub(crate) fn spec(&self) -> &PolicySpec {
        &self.spec
    }

    /// How new keys of an environment look: the first format the policy lists for it.
    pub(crate) fn format_for(&self, environment: &str) -> Option<&KeyFormatSpec> {
        self.spec.keys.iter().find(|format| format.environment == environment)
    }

    /// The format of keys with that prefix.
    pub(crate) fn format_with(&self, prefix: &str) -> Option<&KeyFormatSpec> {
        self.spec.keys.iter().find(|format| format.prefix == prefix)
    }

    /// Whether a key may hold this scope: one the policy lists, or all of a resource it lists.
    pub(crate) fn knows_scope(&self, scope: &str) -> bool {
        let known = &self.spec.scopes;
        match scope.strip_suffix('*').filter(|resource| resource.ends_with(':')) {
            Some(resource) => known.iter().any(|it| it.starts_with(resource)),
            None => known.iter().any(|it| it == scope),
        }
    }

    /// Whether text holds what looks like a key of this policy or one of our tokens: someone pasted it in the wrong
    /// place.
    pub(crate) fn spots_secret_in(&self, text: &str) -> bool {
        const ENOUGH: usize = 8;
        let prefixes = self.spec.keys.iter().map(|format| format.prefix.as_str()).chain(["pca_", "pce_"]);
        prefixes.into_iter().any(|prefix| {
            text.match_indices(prefix).any(|(at, _)| {
                let body = text.get(at + prefix.len()..).unwrap_or_default();
                body.bytes().take_while(u8::is_ascii_alphanumeric).count() >= ENOUGH
            })
        })
    }
}
