//! What a policy says of services outside: names that can be told apart, and places where a credential can stand.
//!
//! Invariant: whatever is written into a request for a service is text that its place can hold.

mod credential;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::compile::{named, refuse, unique_name, unknown};
use super::{Conflict, Location, PolicyError, PolicyProblem};
use crate::service::Service;
use crate::skill::is_secret_name;
use crate::spec::{Access, PolicySpec, RuleSpec, ServiceSpec};

pub use credential::CredentialProblem;

/// Skills name services in a byte of length.
const MAX_NAME: usize = 64;
const MAX_HOST: usize = 255;

pub(super) fn of_policy(spec: &PolicySpec) -> Result<Vec<Service>, PolicyError> {
    let names = || spec.services.iter().map(|it| it.name.as_str());
    let parse = |(index, service): (usize, &ServiceSpec)| {
        unique_name(names(), index, Location::member("services", index, "name"))?;
        compile(index, service)
    };
    spec.services.iter().enumerate().map(parse).collect()
}

/// The service that a rule leads to.
pub(super) fn of_rule(spec: &PolicySpec, index: usize, rule: &RuleSpec) -> Result<Option<usize>, PolicyError> {
    let Some(name) = &rule.service else { return Ok(None) };
    let location = Location::member("rules", index, "service");
    let Some(place) = spec.services.iter().position(|it| it.name == *name) else {
        return unknown("service", name, spec.services.iter().map(|it| it.name.clone()).collect(), location);
    };
    if rule.access == Access::Public {
        return refuse(Location::member("rules", index, "access"), Conflict::PublicService);
    }
    let prefix = spec.services.get(place).and_then(|it| it.strip_prefix.as_deref()).unwrap_or_default();
    let begins_so = rule.path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let problem = || PolicyProblem::ServicePath { path: rule.path.clone(), prefix: prefix.into() };
    if begins_so { Ok(Some(place)) } else { refuse(Location::member("rules", index, "path"), problem()) }
}

fn compile(index: usize, spec: &ServiceSpec) -> Result<Service, PolicyError> {
    let at = |member| Location::member("services", index, member);
    named(&spec.name, at("name"))?;
    if spec.name.len() > MAX_NAME {
        return refuse(at("name"), PolicyProblem::Name(spec.name.clone()));
    }
    let visible = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_authority(&spec.host) {
        return refuse(at("host"), PolicyProblem::Host(spec.host.chars().take(MAX_HOST).collect()));
    }
    let cluster = spec.cluster.as_deref().unwrap_or(&spec.name);
    if !visible(cluster) {
        return refuse(at("cluster"), PolicyProblem::Name(cluster.into()));
    }
    let prefix = spec.strip_prefix.as_deref().unwrap_or_default();
    if !prefix.is_empty() && !is_prefix(prefix) {
        return refuse(at("strip_prefix"), PolicyProblem::StripPrefix(prefix.into()));
    }
    let credential = spec
        .credential
        .as_ref()
        .map(|it| credential::compile(it).map_err(super::compile::at(at("credential"))))
        .transpose()?;
    let boxed = |text: &str| text.into();
    Ok(Service {
        name: boxed(&spec.name),
        host: boxed(&spec.host.to_ascii_lowercase()),
        cluster: boxed(cluster),
        strip_prefix: boxed(prefix),
        credential,
        references: references(spec).map_err(super::compile::at(at("references")))?,
    })
}

fn references(spec: &ServiceSpec) -> Result<Vec<Box<str>>, CredentialProblem> {
    let parse = |name: &String| match is_secret_name(name.as_bytes()) {
        true => Ok(name.as_str().into()),
        false => Err(CredentialProblem::Secret(name.clone())),
    };
    spec.references.iter().map(parse).collect()
}

/// A host with or without a port.
fn is_authority(host: &str) -> bool {
    let (name, port) = host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = !name.is_empty() && name.bytes().all(letter);
    // Digits alone: a number may begin with `+`.
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|it| it > 0);
    is_name && host.len() <= MAX_HOST && port.is_none_or(is_port)
}

/// Whole segments that have one spelling.
fn is_prefix(prefix: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let segment = |text: &str| !matches!(text, "" | "." | "..") && text.bytes().all(letter);
    prefix.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment))
}
