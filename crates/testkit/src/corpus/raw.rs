//! `cases.toml` as written, before anything in it is checked.

use std::collections::BTreeMap;

use portcullis_engine::spec::{EndpointSpec, IpSpec, ReferrerSpec};
use serde::Deserialize;

use crate::mint::{KnownIssuer, KnownToken};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCorpus {
    pub(super) now: String,
    pub(super) organizations: BTreeMap<String, RawOrganization>,
    pub(super) keys: BTreeMap<String, RawKey>,
    #[serde(default)]
    pub(super) issuers: BTreeMap<String, KnownIssuer>,
    #[serde(default)]
    pub(super) tokens: BTreeMap<String, KnownToken>,
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, RawSecret>,
    #[serde(default)]
    pub(super) skills: BTreeMap<String, RawSkill>,
    pub(super) cases: Vec<RawCase>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOrganization {
    pub(super) state: RawState,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawState {
    Active,
    Suspended,
    QuotaExhausted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKey {
    pub(super) environment: String,
    pub(super) organization: String,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    #[serde(default)]
    pub(super) status: RawStatus,
    pub(super) expires_in: Option<i64>,
    pub(super) ip: Option<IpSpec>,
    pub(super) referrer: Option<ReferrerSpec>,
    pub(super) endpoint: Option<EndpointSpec>,
    #[serde(default)]
    pub(super) kind: RawKind,
    pub(super) skill: Option<String>,
}

/// A secret of a whole organisation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSecret {
    /// Absent = as it is called here.
    pub(super) name: Option<String>,
    pub(super) organization: String,
    pub(super) value: String,
    /// Whether it is sealed to an edge that is none of the runners.
    #[serde(default)]
    pub(super) sealed_elsewhere: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSkill {
    pub(super) organization: String,
    pub(super) services: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawKind {
    #[default]
    ApiKey,
    Credential,
    Grant,
    Issuer,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawStatus {
    #[default]
    Active,
    Disabled,
    Revoked,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCase {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) path: Option<String>,
    pub(super) from: Option<String>,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    pub(super) expect: RawExpectation,
    pub(super) envoy: Option<RawExpectation>,
    pub(super) explain: Option<RawExpectation>,
    #[serde(default)]
    pub(super) without_policy: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpectation {
    pub(super) status: u16,
    pub(super) grpc_status: Option<u32>,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(super) without_headers: Vec<String>,
    pub(super) environment: Option<String>,
    pub(super) key: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) scopes: Option<String>,
    pub(super) subject: Option<String>,
    #[serde(default)]
    pub(super) observed: Vec<String>,
    #[serde(default)]
    pub(super) hidden: Vec<String>,
    pub(super) service: Option<String>,
    pub(super) sent_path: Option<String>,
    pub(super) sent_host: Option<String>,
    #[serde(default)]
    pub(super) sent_headers: Vec<(String, String)>,
    pub(super) reference: Option<String>,
}
