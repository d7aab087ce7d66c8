//! A key's restrictions, compiled: where it may be used from, by which pages, for which endpoints.
//!
//! AND across kinds, OR within a kind; absent = unrestricted, an empty list = deny all. Each kind enforces or only
//! observes. It decides nothing else about a key. Invariant: two sets that mean the same have the same canonical spec.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::ip::{Network, NetworkError};
use crate::reason::Reason;
use crate::referrer::{PageUrl, ReferrerPattern, ReferrerPatternError};
use crate::request::{Occurrence, Request};
use crate::spec::{EndpointSpec, IpSpec, ModeSpec, ReferrerSpec, RestrictionsSpec};
use crate::template::{MethodError, MethodSet, Template, TemplateError};

/// Whether a restriction denies or only counts what it would have denied.
pub type Mode = ModeSpec;

/// One kind of restriction with its mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction<T> {
    /// Enforce or observe.
    pub mode: Mode,
    /// The rule.
    pub rule: T,
}

/// All restrictions of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestrictionSet {
    ip: Option<Restriction<IpRule>>,
    referrer: Option<Restriction<ReferrerRule>>,
    endpoint: Option<Restriction<Vec<Endpoint>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct IpRule {
    allow: Option<Vec<Network>>,
    deny: Vec<Network>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ReferrerRule {
    allow: Vec<ReferrerPattern>,
    allow_missing: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Endpoint {
    methods: MethodSet,
    template: Template,
    text: String,
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
}

impl RestrictionSet {
    /// Compiles a spec.
    pub fn compile(spec: &RestrictionsSpec) -> Result<Self, RestrictionError> {
        Ok(Self {
            ip: spec.ip.as_ref().map(compile_ip).transpose()?,
            referrer: spec.referrer.as_ref().map(compile_referrer).transpose()?,
            endpoint: spec.endpoint.as_ref().map(compile_endpoint).transpose()?,
        })
    }

    /// Whether there is no restriction at all.
    pub fn is_empty(&self) -> bool {
        self.ip.is_none() && self.referrer.is_none() && self.endpoint.is_none()
    }

    /// The canonical spec: same meaning, same text.
    pub fn to_spec(&self) -> RestrictionsSpec {
        RestrictionsSpec {
            ip: self.ip.as_ref().map(|it| IpSpec {
                mode: it.mode,
                allow: it.rule.allow.as_deref().map(texts),
                deny: texts(&it.rule.deny),
            }),
            referrer: self.referrer.as_ref().map(|it| ReferrerSpec {
                mode: it.mode,
                allow: texts(&it.rule.allow),
                allow_missing: it.rule.allow_missing,
            }),
            endpoint: self.endpoint.as_ref().map(|it| EndpointSpec {
                mode: it.mode,
                allow: sorted(it.rule.iter().map(|endpoint| endpoint.text.clone()).collect()),
            }),
        }
    }

    /// The rule on client addresses, if any.
    pub(crate) fn ip(&self, address: impl FnOnce() -> Option<IpAddr>) -> Option<(Mode, Result<(), Reason>)> {
        self.ip.as_ref().map(|it| (it.mode, it.rule.check(address())))
    }

    /// The rule on pages, if any.
    pub(crate) fn referrer(&self, request: &Request<'_>) -> Option<(Mode, Result<(), Reason>)> {
        self.referrer.as_ref().map(|it| (it.mode, it.rule.check(request)))
    }

    /// The rule on endpoints, if any.
    pub(crate) fn endpoint<'p>(
        &self,
        method: &[u8],
        segments: impl Iterator<Item = &'p [u8]> + Clone,
    ) -> Option<(Mode, Result<(), Reason>)> {
        self.endpoint.as_ref().map(|it| {
            let fits =
                |endpoint: &Endpoint| endpoint.methods.contains(method) && endpoint.template.matches(segments.clone());
            (it.mode, it.rule.iter().any(fits).then_some(()).ok_or(Reason::EndpointNotAllowed))
        })
    }

    /// Whether browsers use the key: it has referrer rules.
    pub fn is_for_browsers(&self) -> bool {
        self.referrer.is_some()
    }
}

impl IpRule {
    fn check(&self, address: Option<IpAddr>) -> Result<(), Reason> {
        let address = address.ok_or(Reason::AddressUnknown)?;
        let within = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        let allowed = self.allow.as_deref().is_none_or(within) && !within(&self.deny);
        allowed.then_some(()).ok_or(Reason::IpNotAllowed)
    }
}

impl ReferrerRule {
    /// Referer and Origin: both present = both must pass; neither = `allow_missing`.
    fn check(&self, request: &Request<'_>) -> Result<(), Reason> {
        let referer = page(request.header("referer"))?;
        let origin = page(request.header("origin"))?;
        if referer.is_none() && origin.is_none() {
            return self.allow_missing.then_some(()).ok_or(Reason::ReferrerMissing);
        }
        let referer_fits = referer.is_none_or(|page| self.allow.iter().any(|it| it.matches_referer(&page)));
        let origin_fits = origin.is_none_or(|page| self.allow.iter().any(|it| it.matches_origin(&page)));
        (referer_fits && origin_fits).then_some(()).ok_or(Reason::ReferrerNotAllowed)
    }
}

fn page(header: Occurrence<'_>) -> Result<Option<PageUrl<'_>>, Reason> {
    match header {
        Occurrence::Absent | Occurrence::Once(b"") => Ok(None),
        Occurrence::Once(value) => PageUrl::parse(value).map(Some).map_err(|_| Reason::ReferrerMalformed),
        Occurrence::Repeated => Err(Reason::ReferrerMalformed),
    }
}

fn compile_ip(spec: &IpSpec) -> Result<Restriction<IpRule>, RestrictionError> {
    let allow =
        spec.allow.as_deref().map(|list| each("ip.allow", list, |text| Ok(Network::parse(text)?))).transpose()?;
    let deny = each("ip.deny", &spec.deny, |text| Ok(Network::parse(text)?))?;
    Ok(Restriction { mode: spec.mode, rule: IpRule { allow, deny } })
}

fn compile_referrer(spec: &ReferrerSpec) -> Result<Restriction<ReferrerRule>, RestrictionError> {
    let allow = each("referrer.allow", &spec.allow, |text| Ok(ReferrerPattern::parse(text)?))?;
    Ok(Restriction { mode: spec.mode, rule: ReferrerRule { allow, allow_missing: spec.allow_missing } })
}

fn compile_endpoint(spec: &EndpointSpec) -> Result<Restriction<Vec<Endpoint>>, RestrictionError> {
    Ok(Restriction { mode: spec.mode, rule: each("endpoint.allow", &spec.allow, parse_endpoint)? })
}

fn parse_endpoint(text: &str) -> Result<Endpoint, RestrictionProblem> {
    let (method, path) = text.split_once(' ').ok_or_else(|| RestrictionProblem::Endpoint(text.into()))?;
    let methods = if method == "*" { MethodSet::any() } else { MethodSet::parse(&[method.to_string()])? };
    Ok(Endpoint { methods, template: Template::parse(path)?, text: text.into() })
}

fn each<T>(
    field: &str,
    list: &[String],
    parse: impl Fn(&str) -> Result<T, RestrictionProblem>,
) -> Result<Vec<T>, RestrictionError> {
    let parse_at = |(index, text): (usize, &String)| {
        parse(text).map_err(|problem| RestrictionError { field: alloc::format!("{field}[{index}]"), problem })
    };
    list.iter().enumerate().map(parse_at).collect()
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    sorted(items.iter().map(ToString::to_string).collect())
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts
}
