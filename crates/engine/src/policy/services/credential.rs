//! Where a service's credential goes: a header with a template, a query parameter, or basic authentication.
//!
//! It holds what the policy says, which is no secret. Invariant: a header or parameter that the proxy or the connection lives by is none
//! of these places.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};

use crate::credential::{is_parameter_name, is_token};
use crate::service::{Place, ServiceCredential};
use crate::skill::is_secret_name;
use crate::spec::{ServiceCredentialSpec, ServicePlace};

/// What stands for the value.
const VALUE: &str = "{secret}";
/// Written by the proxy, or of the connection to it and not of the request.
const RESERVED: [&str; 10] = [
    "connection",
    "content-length",
    "cookie",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// What is wrong with the credential of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialProblem {
    /// Not the name of a secret.
    #[error("`{0}` is not the name of a secret")]
    Secret(String),
    /// A header that cannot hold one.
    #[error("`{0}` is not a header for a credential")]
    Header(String),
    /// A parameter with odd characters.
    #[error("`{0}` is not the name of a query parameter")]
    Parameter(String),
    /// Not a template of one line with the value in it, once.
    #[error("`{0}` is not a template: it has to hold `{{secret}}` once, in one line of visible characters")]
    Template(String),
    /// A user with a colon.
    #[error("`{0}` is not a user's name")]
    User(String),
    /// No header or parameter is named.
    #[error("`name` is missing")]
    NoName,
    /// A member that means nothing there.
    #[error("`{0}` means nothing beside `in = \"{1}\"`")]
    Beside(&'static str, &'static str),
}

impl CredentialProblem {
    /// The member that it is about; `None` if that is not there.
    pub fn member(&self) -> Option<&'static str> {
        match self {
            Self::Secret(_) => Some("secret"),
            Self::Header(_) | Self::Parameter(_) => Some("name"),
            Self::Template(_) => Some("template"),
            Self::User(_) => Some("username"),
            Self::NoName => None,
            Self::Beside(member, _) => Some(member),
        }
    }

    /// How to fix it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Secret(_) => "use lower-case letters, digits and `_`, beginning with a letter: `weather_api_key`",
            Self::Header(_) => "write a header that is the service's own, such as `authorization` or `x-api-key`",
            Self::Parameter(_) => "use letters, digits and `-._~`, such as `api_key`",
            Self::Template(_) => "write `Bearer {secret}`, or leave it out to send the value alone",
            Self::User(_) => "use visible characters without `:`",
            Self::NoName => "add `name`, the header or the query parameter: `name = \"authorization\"`",
            Self::Beside(..) => "remove it",
        }
    }
}

pub(super) fn compile(spec: &ServiceCredentialSpec) -> Result<ServiceCredential, CredentialProblem> {
    if !is_secret_name(spec.secret.as_bytes()) {
        return Err(CredentialProblem::Secret(spec.secret.clone()));
    }
    let place = place(spec)?;
    Ok(ServiceCredential { secret: spec.secret.as_str().into(), place })
}

fn place(spec: &ServiceCredentialSpec) -> Result<Place, CredentialProblem> {
    let ServiceCredentialSpec { place, name, template, username, .. } = spec;
    let boxed = |text: &str| -> Box<str> { text.into() };
    match (place, name, template, username) {
        (ServicePlace::Header, Some(name), template, None) => {
            let name = header(name)?;
            let template = template.as_deref().unwrap_or(VALUE);
            let mut parts = template.split(VALUE);
            let parts = (parts.next(), parts.next(), parts.next());
            let is_text = template.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            match parts {
                (Some(before), Some(after), None) if is_text && template.trim() == template => {
                    Ok(Place::Header { name, before: boxed(before), after: boxed(after) })
                }
                _ => Err(CredentialProblem::Template(template.to_string())),
            }
        }
        (ServicePlace::Query, Some(name), None, None) if is_parameter_name(name) => {
            Ok(Place::Query { name: boxed(name) })
        }
        (ServicePlace::Query, Some(name), None, None) => Err(CredentialProblem::Parameter(name.clone())),
        (ServicePlace::Basic, None, None, username) => match username.as_deref() {
            Some(user) if user.is_empty() || user.bytes().any(|it| it == b':' || !it.is_ascii_graphic()) => {
                Err(CredentialProblem::User(user.into()))
            }
            user => Ok(Place::Basic { username: user.map(boxed) }),
        },
        (ServicePlace::Header | ServicePlace::Query, None, ..) => Err(CredentialProblem::NoName),
        (ServicePlace::Header, Some(_), _, Some(_)) => Err(CredentialProblem::Beside("username", "header")),
        (ServicePlace::Query, Some(_), Some(_), _) => Err(CredentialProblem::Beside("template", "query")),
        (ServicePlace::Query, Some(_), None, Some(_)) => Err(CredentialProblem::Beside("username", "query")),
        (ServicePlace::Basic, Some(_), ..) => Err(CredentialProblem::Beside("name", "basic")),
        (ServicePlace::Basic, None, Some(_), _) => Err(CredentialProblem::Beside("template", "basic")),
    }
}

fn header(name: &str) -> Result<Box<str>, CredentialProblem> {
    let lower = name.to_ascii_lowercase();
    let usable = is_token(&lower) && !RESERVED.contains(&lower.as_str());
    let ours = ["x-portcullis", "x-envoy", "proxy-"].iter().any(|prefix| lower.starts_with(prefix));
    if usable && !ours { Ok(lower.into()) } else { Err(CredentialProblem::Header(name.into())) }
}
