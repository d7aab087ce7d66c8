//! Services outside: whether a request may be sent to one, and what is sent there in its place.
//!
//! It moves nothing: the caller of [`ServiceUse::outgoing`] does. Invariants: a value goes to a service only if the skill of the
//! key links the secret to that very service; a reference that stands for nothing is a refusal that names it, never an empty
//! value; a value that was resolved is never looked through for references.

mod mask;
mod outgoing;
mod placeholder;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::id::OrganizationId;
use crate::reason::Reason;
use crate::request::Request;
use crate::skill::{SecretState, ServiceLink, Skill, SkillSecret};

pub use mask::{is_named_after, masked, may_hold};
pub use outgoing::Outgoing;
use placeholder::{Malformed, may_refer, references_in};

/// Methods whose answer is the request, credential included (RFC 9110 §9.3.8), or like it.
const REFLECTING: [&[u8]; 3] = [b"TRACE", b"TRACK", b"DEBUG"];
/// A reference of a few bytes may become some kilobytes.
const MOST_REFERENCES: usize = 16;

/// A service, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub(crate) name: Box<str>,
    pub(crate) host: Box<str>,
    pub(crate) cluster: Box<str>,
    pub(crate) strip_prefix: Box<str>,
    pub(crate) credential: Option<ServiceCredential>,
    /// The secrets that requests may refer to.
    pub(crate) references: Vec<Box<str>>,
}

/// The credential that every request to a service gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceCredential {
    pub(crate) secret: Box<str>,
    pub(crate) place: Place,
}

/// Where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A header: what stands before and after the value.
    Header { name: Box<str>, before: Box<str>, after: Box<str> },
    /// A query parameter.
    Query { name: Box<str> },
    /// `Authorization: Basic`; without a user the value is `user:password`.
    Basic { username: Option<Box<str>> },
}

impl Service {
    /// What rules and skills call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `:authority` it is asked under.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The proxy's cluster that leads there.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }
}

/// A request that may be sent to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceUse<'a> {
    /// The service.
    pub service: &'a Service,
    /// The skill that uses it.
    pub skill: &'a Skill,
    link: &'a ServiceLink,
    /// Whether the request refers to secrets.
    pub refers: bool,
}

/// Why a request is not sent to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    /// The reference that it is about.
    pub(crate) reference: Option<Box<str>>,
}

fn refused(reason: Reason, name: &[u8]) -> Refused {
    // Whatever comes here is a name, so it is ASCII.
    Refused { reason, reference: core::str::from_utf8(name).ok().map(Into::into) }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, reference: None }
    }
}

impl<'a> ServiceUse<'a> {
    /// Whether that organisation's key, belonging to that skill, may send this request to the service, and whether there is a value
    /// for whatever it refers to.
    pub(crate) fn check(
        service: &'a Service,
        organization: OrganizationId,
        skill: Option<&'a Skill>,
        request: &Request<'_>,
    ) -> Result<Self, Refused> {
        let skill = skill.ok_or(Reason::NoSkill)?;
        if skill.organization != organization {
            return Err(Reason::ForeignSkill.into());
        }
        let link = skill.link(&service.name).ok_or(Reason::ServiceNotLinked)?;
        let mut using = Self { service, skill, link, refers: false };
        if using.stripped(request.path.unwrap_or_default()).is_none() {
            // Whoever reads the path less exactly than the rule does would ask the service for something else.
            return Err(Reason::AmbiguousPath.into());
        }
        if REFLECTING.iter().any(|method| request.method.eq_ignore_ascii_case(method)) {
            return Err(Reason::MethodNotForServices.into());
        }
        if let Some(credential) = &service.credential {
            using.secret(credential.secret.as_bytes())?;
        }
        if may_refer(request) {
            using.refers = using.check_references(request)?;
        }
        Ok(using)
    }

    /// Whether the request refers to secrets, to such that it may.
    fn check_references(&self, request: &Request<'_>) -> Result<bool, Refused> {
        let mut count = 0;
        for reference in references_in(request) {
            let name = reference.map_err(|Malformed| Reason::MalformedReference)?;
            count += 1;
            if count > MOST_REFERENCES {
                return Err(Reason::MalformedReference.into());
            }
            self.referred(name)?;
        }
        Ok(count > 0)
    }

    /// The secret of that name, if requests may refer to it and a value for it is to be had.
    fn referred(&self, name: &[u8]) -> Result<&'a SkillSecret, Refused> {
        match self.service.references.iter().any(|known| known.as_bytes() == name) {
            true => self.secret(name),
            false => Err(refused(Reason::SecretNotLinked, name)),
        }
    }

    /// The secret of that name, if a value for it is to be had.
    fn secret(&self, name: &[u8]) -> Result<&'a SkillSecret, Refused> {
        let refuse = |reason| refused(reason, name);
        let secret = self.skill.secret(self.link, name).ok_or_else(|| refuse(Reason::SecretNotLinked))?;
        match &secret.state {
            SecretState::Missing => Err(refuse(Reason::SecretMissing)),
            SecretState::Unreadable(_) => Err(refuse(Reason::SecretUnreadable)),
            SecretState::Sealed(_) | SecretState::Open(..) => Ok(secret),
        }
    }

    /// The path that the service gets; `None` if it does not begin, byte for byte, with what is to be cut off.
    fn stripped<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        let rest = path.strip_prefix(self.service.strip_prefix.as_bytes())?;
        matches!(rest.first(), None | Some(b'/' | b'?')).then_some(rest)
    }
}
