//! Policies and restriction sets on the wire: JSON of the engine's specs.
//!
//! They are small and read once per change, so they are text that a person can read; keys are not.

use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{Policy, PolicySpec, RestrictionSet};

use crate::read::Malformed;

/// The policy in a policy blob.
pub fn read_policy(bytes: &[u8]) -> Result<Policy, Malformed> {
    let spec: PolicySpec = serde_json::from_slice(bytes).map_err(|_| Malformed("policy"))?;
    Policy::compile(&spec).map_err(|_| Malformed("policy"))
}

/// The restriction set in a pool entry.
pub fn read_restrictions(bytes: &[u8]) -> Result<RestrictionSet, Malformed> {
    let spec: RestrictionsSpec = serde_json::from_slice(bytes).map_err(|_| Malformed("restrictions"))?;
    RestrictionSet::compile(&spec).map_err(|_| Malformed("restrictions"))
}
