//! What callers send about skills, parsed into what is stored; every refusal names the member and the remedy.

use std::collections::BTreeSet;

use portcullis_api::skills::ServiceLink;
use portcullis_engine::spec::ServiceSpec;

use crate::app::App;
use crate::error::Error;
use crate::keys;
use crate::policy::PolicyRoom;
use crate::secrets;

const LONGEST_NAME: usize = 64;
const MOST_SERVICES: usize = 16;
/// Distinct ones, however many services share them.
const MOST_SECRETS: usize = 16;

/// What people call a skill.
pub(super) fn name(app: &App, text: &str) -> Result<String, Error> {
    keys::no_secret(&app.policy(), "/name", text)?;
    let fits = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let bytes = text.as_bytes();
    let begins = bytes.first().is_some_and(u8::is_ascii_lowercase);
    if bytes.len() > LONGEST_NAME || !begins || !bytes.iter().all(fits) {
        let detail =
            format!("expected 1 to {LONGEST_NAME} lower-case letters, digits, `-` and `_`, beginning with a letter");
        return Err(Error::invalid("/name", detail));
    }
    Ok(text.to_owned())
}

/// The services a skill may use, by their names, and of each the names of secrets, sorted.
pub(super) fn services(app: &App, sent: &[ServiceLink]) -> Result<Vec<ServiceLink>, Error> {
    if sent.len() > MOST_SERVICES {
        let detail = format!("expected at most {MOST_SERVICES} services, got {}", sent.len());
        return Err(Error::invalid("/services", detail));
    }
    let policy = app.policy();
    let mut links = Vec::with_capacity(sent.len());
    for (index, link) in sent.iter().enumerate() {
        let pointer = format!("/services/{index}");
        known(&policy, &pointer, &link.service)?;
        let secrets = named(app, &pointer, &link.secrets)?;
        links.push(ServiceLink { service: link.service.clone(), secrets });
    }
    let distinct: BTreeSet<_> = links.iter().flat_map(|it| &it.secrets).collect();
    if distinct.len() > MOST_SECRETS {
        let detail = format!("expected at most {MOST_SECRETS} secrets, got {}", distinct.len());
        return Err(Error::invalid("/services", detail));
    }
    for (index, link) in links.iter().enumerate() {
        let pointer = format!("/services/{index}");
        allowed(known(&policy, &pointer, &link.service)?, &pointer, &link.secrets)?;
    }
    links.sort_by(|one, other| one.service.cmp(&other.service));
    if let Some([one, _]) = links.array_windows::<2>().find(|[one, next]| one.service == next.service) {
        return Err(Error::invalid(
            "/services",
            format!("the service `{}` is there twice: name its secrets once", one.service),
        ));
    }
    Ok(links)
}

/// The policy's service of that name.
fn known<'a>(policy: &'a PolicyRoom, pointer: &str, service: &str) -> Result<&'a ServiceSpec, Error> {
    let services = &policy.spec().services;
    if let Some(known) = services.iter().find(|it| it.name == service) {
        return Ok(known);
    }
    let detail = match services.as_slice() {
        [] => "the policy has no services\nhint: add `[[services]]` to the policy".to_owned(),
        known => {
            let known: Vec<_> = known.iter().map(|it| it.name.as_str()).collect();
            format!("the policy has no such service; it has `{}`", known.join("`, `"))
        }
    };
    Err(Error::invalid(format!("{pointer}/service"), detail))
}

/// Fails if a secret is linked to a service that, as the policy has it, never gets one of that name.
fn allowed(service: &ServiceSpec, pointer: &str, secrets: &[String]) -> Result<(), Error> {
    let credential = service.credential.iter().map(|it| it.secret.as_str());
    let allowed: BTreeSet<_> = credential.chain(service.references.iter().map(String::as_str)).collect();
    if secrets.iter().all(|name| allowed.contains(name.as_str())) {
        return Ok(());
    }
    let (name, allowed) = (&service.name, Vec::from_iter(allowed).join("`, `"));
    let only = if allowed.is_empty() { "no secret".to_owned() } else { format!("no secrets but `{allowed}`") };
    let detail = format!(
        "the policy lets {only} go to `{name}`\nhint: whoever writes the policy decides: `references` of the service lists those \
         that requests may refer to"
    );
    Err(Error::invalid(format!("{pointer}/secrets"), detail))
}

fn named(app: &App, pointer: &str, sent: &[String]) -> Result<Vec<String>, Error> {
    let name = |(index, text): (usize, &String)| secrets::name(app, &format!("{pointer}/secrets/{index}"), text);
    let names = sent.iter().enumerate().map(name).collect::<Result<BTreeSet<_>, _>>()?;
    Ok(names.into_iter().collect())
}
