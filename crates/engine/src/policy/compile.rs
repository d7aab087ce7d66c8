//! From spec to policy: every check a policy must pass, in the order of the document.
//!
//! The first problem wins; nothing is repaired or guessed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::code_names;
use super::{Conflict, Location, Policy, PolicyError, PolicyProblem, Rule, limits, services, tokens};
use crate::credential::{CredentialSource, could_begin_a_token};
use crate::key_format::{CHECKSUM_LEN, KeyFormat, KeyFormats};
use crate::reason::Code;
use crate::scope::{Requirement, Scope};
use crate::spec::{Access, Checksum, CredentialSpec, IdentityHeader, KeyFormatSpec, PolicySpec, RuleSpec};
use crate::template::{MethodSet, Router, Template};

/// Fewer random characters than this can be guessed.
const MIN_RANDOM: usize = 12;
const MAX_BODY: usize = 200;

pub(super) fn compile(spec: &PolicySpec) -> Result<Policy, PolicyError> {
    let realm = spec.realm.as_ref().unwrap_or(&spec.name);
    named(&spec.name, Location::top("name"))?;
    quotable(realm, "realm")?;
    spec.docs_url.as_ref().map_or(Ok(()), |url| quotable(url, "docs_url"))?;
    let environments = environments(&spec.environments)?;
    identity(spec)?;
    let scopes = scopes(&spec.scopes)?;
    let sources = sources(&spec.credentials)?;
    let tokens = tokens::of_policy(spec)?;
    let formats = formats(spec)?;
    let limits = limits::defaults(spec)?;
    let services = services::of_policy(spec)?;
    let rules = rules(spec)?;
    let router = router(&rules)?;
    let (messages, name) = (messages(&spec.messages)?, spec.name.as_str().into());
    Ok(Policy {
        name,
        realm: realm.as_str().into(),
        docs_url: spec.docs_url.as_deref().map(Into::into),
        error_format: spec.error_format,
        default: spec.default,
        write_implies_read: spec.write_implies_read,
        preflight: spec.preflight,
        forward_credential: spec.forward_credential,
        identity_headers: spec.identity_headers,
        limits,
        environments,
        scopes,
        sources,
        formats,
        tokens,
        services,
        rules,
        router,
        messages,
    })
}

/// Routes choose by the environment's header, and take a request without it for one that needs no key.
fn identity(spec: &PolicySpec) -> Result<(), PolicyError> {
    if !spec.identity_headers.has(IdentityHeader::Environment) {
        return refuse(Location::top("identity_headers"), PolicyProblem::EnvironmentUntold);
    }
    Ok(())
}

pub(super) fn refuse<T>(location: Location, problem: impl Into<PolicyProblem>) -> Result<T, PolicyError> {
    Err(PolicyError { location, problem: Box::new(problem.into()) })
}

pub(super) fn at<E: Into<PolicyProblem>>(location: Location) -> impl FnOnce(E) -> PolicyError {
    move |problem| PolicyError { location, problem: Box::new(problem.into()) }
}

pub(super) fn named(name: &str, location: Location) -> Result<(), PolicyError> {
    let usable =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if usable { Ok(()) } else { refuse(location, PolicyProblem::Name(name.into())) }
}

/// Text that ends up in a header: one line, and no quote that could end a header's quoted string.
fn quotable(value: &str, field: &'static str) -> Result<(), PolicyError> {
    text(value, field, Location::top(field), |c| c.is_control() || matches!(c, '"' | '\\'))
}

fn text(value: &str, field: &str, location: Location, is_bad: fn(char) -> bool) -> Result<(), PolicyError> {
    let field = || field.into();
    match value.chars().find(|&character| is_bad(character)) {
        Some(character) => refuse(location, PolicyProblem::Text { field: field(), character }),
        None if value.is_empty() => refuse(location, PolicyProblem::EmptyText { field: field() }),
        None => Ok(()),
    }
}

fn environments(names: &[String]) -> Result<Vec<Box<str>>, PolicyError> {
    not_empty(names, "environments")?;
    for (index, name) in names.iter().enumerate() {
        named(name, Location::entry("environments", index))?;
        unique(names, index, Location::entry("environments", index))?;
    }
    Ok(names.iter().map(|name| name.as_str().into()).collect())
}

fn scopes(texts: &[String]) -> Result<Vec<Scope>, PolicyError> {
    let parse = |(index, text): (usize, &String)| {
        unique(texts, index, Location::entry("scopes", index))?;
        Scope::parse(text).map_err(at(Location::entry("scopes", index)))
    };
    texts.iter().enumerate().map(parse).collect()
}

fn sources(specs: &[CredentialSpec]) -> Result<Vec<CredentialSource>, PolicyError> {
    not_empty(specs, "credentials")?;
    let parse = |(index, spec): (usize, &CredentialSpec)| {
        let earlier = specs.iter().take(index);
        if earlier.into_iter().any(|it| it.place == spec.place && it.name.eq_ignore_ascii_case(&spec.name)) {
            let location = Location::member("credentials", index, "name");
            return refuse(location, PolicyProblem::Duplicate(spec.name.clone()));
        }
        CredentialSource::parse(spec).map_err(at(Location::entry("credentials", index)))
    };
    specs.iter().enumerate().map(parse).collect()
}

fn formats(spec: &PolicySpec) -> Result<KeyFormats, PolicyError> {
    let PolicySpec { keys: specs, environments, tokens, .. } = spec;
    if specs.is_empty() && tokens.is_none() {
        return refuse(Location::top("keys"), PolicyProblem::NoKeys);
    }
    let parse = |(index, spec): (usize, &KeyFormatSpec)| {
        let location = Location::member("keys", index, "prefix");
        if specs.iter().take(index).any(|it| it.prefix == spec.prefix) {
            return refuse(location, PolicyProblem::Duplicate(spec.prefix.clone()));
        }
        prefix(&spec.prefix, location)?;
        if tokens.is_some() && could_begin_a_token(&spec.prefix) {
            return refuse(location, PolicyProblem::TokenPrefix(spec.prefix.clone()));
        }
        body_length(spec, index)?;
        let location = Location::member("keys", index, "environment");
        Ok(KeyFormat::new(spec, environment(&spec.environment, environments, location)?))
    };
    specs
        .iter()
        .enumerate()
        .map(parse)
        .collect::<Result<_, _>>()
        .map(|formats| KeyFormats::new(formats, tokens.is_some()))
}

fn prefix(prefix: &str, location: Location) -> Result<(), PolicyError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let usable = !prefix.is_empty() && prefix.bytes().all(letter);
    if usable { Ok(()) } else { refuse(location, PolicyProblem::Prefix(prefix.into())) }
}

fn body_length(spec: &KeyFormatSpec, index: usize) -> Result<(), PolicyError> {
    let checksum = if spec.checksum == Checksum::None { 0 } else { CHECKSUM_LEN };
    let range = MIN_RANDOM + checksum..=MAX_BODY;
    if !range.contains(&spec.body_length) {
        let location = Location::member("keys", index, "body_length");
        return refuse(location, PolicyProblem::BodyLength(spec.body_length));
    }
    match spec.min_body_length {
        Some(min) if !range.contains(&min) || min > spec.body_length => {
            refuse(Location::member("keys", index, "min_body_length"), PolicyProblem::BodyLength(min))
        }
        _ => Ok(()),
    }
}

fn environment(name: &str, known: &[String], location: Location) -> Result<usize, PolicyError> {
    match known.iter().position(|it| it == name) {
        Some(index) => Ok(index),
        None => unknown("environment", name, known.to_vec(), location),
    }
}

fn rules(spec: &PolicySpec) -> Result<Vec<Rule>, PolicyError> {
    spec.rules.iter().enumerate().map(|(index, rule)| compile_rule(spec, index, rule)).collect()
}

fn compile_rule(spec: &PolicySpec, index: usize, rule: &RuleSpec) -> Result<Rule, PolicyError> {
    let member = |member| Location::member("rules", index, member);
    let methods = match rule.methods.as_slice() {
        [] => MethodSet::any(),
        listed => MethodSet::parse(listed).map_err(at(member("methods")))?,
    };
    let template = Template::parse(&rule.path).map_err(at(member("path")))?;
    if !rule.all.is_empty() && !rule.any.is_empty() {
        return refuse(member("any"), Conflict::AllAndAny);
    }
    let all = wanted(spec, index, "all", &rule.all)?;
    let any = wanted(spec, index, "any", &rule.any)?;
    let limited = !all.is_empty() || !any.is_empty() || !rule.environments.is_empty();
    if rule.access == Access::Public && limited {
        return refuse(member("access"), Conflict::PublicWithDemands);
    }
    let limits = limits::of_rule(index, rule)?;
    let requirement = match (all.is_empty(), any.is_empty()) {
        (true, true) => Requirement::Nothing,
        (false, _) => Requirement::All(all),
        (true, false) => Requirement::Any(any),
    };
    let at_element = |element| Location::element("rules", index, "environments", element);
    let environments = rule.environments.iter().enumerate();
    let environments = environments.map(|(i, name)| environment(name, &spec.environments, at_element(i)));
    let environments = environments.collect::<Result<_, _>>()?;
    let service = services::of_rule(spec, index, rule)?;
    Ok(Rule { methods, template, access: rule.access, requirement, environments, service, limits }.with_hash())
}

fn wanted(spec: &PolicySpec, index: usize, member: &'static str, texts: &[String]) -> Result<Vec<Scope>, PolicyError> {
    let parse = |(element, text): (usize, &String)| {
        let location = Location::element("rules", index, member, element);
        if !spec.scopes.contains(text) {
            return unknown("scope", text, spec.scopes.clone(), location);
        }
        Scope::parse(text).map_err(at(location))
    };
    texts.iter().enumerate().map(parse).collect()
}

fn router(rules: &[Rule]) -> Result<Router, PolicyError> {
    let routes: Vec<_> = rules.iter().map(|rule| (rule.methods.clone(), rule.template.clone())).collect();
    Router::build(&routes).map_err(|tie| PolicyError {
        location: Location::member("rules", tie.second, "path"),
        problem: Box::new(PolicyProblem::Tie { first: tie.first }),
    })
}

fn messages(messages: &BTreeMap<String, String>) -> Result<Vec<(Code, Box<str>)>, PolicyError> {
    let parse = |(name, message): (&String, &String)| {
        let Some(code) = Code::from_name(name) else {
            return unknown("code", name, code_names(), Location::top("messages"));
        };
        text(message, name, Location::top("messages"), char::is_control)?;
        Ok((code, message.as_str().into()))
    };
    messages.iter().map(parse).collect()
}

pub(super) fn unknown<T>(
    kind: &'static str,
    name: &str,
    known: Vec<String>,
    location: Location,
) -> Result<T, PolicyError> {
    refuse(location, PolicyProblem::Unknown { kind, name: name.to_string(), known })
}

fn not_empty<T>(list: &[T], field: &'static str) -> Result<(), PolicyError> {
    if list.is_empty() { refuse(Location::top(field), PolicyProblem::Empty) } else { Ok(()) }
}

fn unique(names: &[String], index: usize, location: Location) -> Result<(), PolicyError> {
    unique_name(names.iter().map(String::as_str), index, location)
}

/// Fails if the name of that index is there before.
pub(super) fn unique_name<'n>(
    names: impl Iterator<Item = &'n str> + Clone,
    index: usize,
    location: Location,
) -> Result<(), PolicyError> {
    match names.clone().nth(index) {
        Some(name) if names.take(index).any(|it| it == name) => refuse(location, PolicyProblem::Duplicate(name.into())),
        _ => Ok(()),
    }
}
