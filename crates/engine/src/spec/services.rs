//! The wire shape of `[[services]]`: services outside that skills call through the edge, and where their credential goes.
//!
//! Nothing here is checked; [`Policy::compile`](crate::Policy::compile) does. No secret stands here, only the name that skills
//! know one by. Invariant: a field that this version does not know is an error.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// A service outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// What rules and skills call it.
    pub name: String,
    /// The `:authority` it is asked under: `api.example.com`.
    pub host: String,
    /// The Envoy cluster that leads there; absent = its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// What is cut from the beginning of the path before the service gets it: `/services/weather`. Absent = nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip_prefix: Option<String>,
    /// The credential that every request gets; absent = those that the request itself asks for with `{{secret:name}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<ServiceCredentialSpec>,
    /// The secrets that requests themselves may refer to with `{{secret:name}}`; absent = none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

/// The credential that every request to a service gets, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceCredentialSpec {
    /// What skills call the secret.
    pub secret: String,
    /// Header, query parameter or basic authentication.
    #[serde(rename = "in")]
    pub place: ServicePlace,
    /// The header's or parameter's name; not with `basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the header holds, `{secret}` standing for the value: `Bearer {secret}`. Headers only; absent = the value alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The user, if the secret is a password alone; absent = it is `user:password`. Only with `basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// Where a service wants its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServicePlace {
    /// A request header.
    Header,
    /// A query parameter.
    Query,
    /// `Authorization: Basic` (RFC 7617).
    Basic,
}
