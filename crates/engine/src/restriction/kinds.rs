//! The three kinds of restriction, one of each at most: client addresses, pages, endpoints.
//!
//! What follows from a failed check is not said here, only by which mode it was made.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Mode, RestrictionError, RestrictionProblem};
use crate::ip::Network;
use crate::path::CanonicalPath;
use crate::reason::Reason;
use crate::referrer::{PageUrl, ReferrerPattern};
use crate::request::{Occurrence, Request};
use crate::spec::{EndpointSpec, IpSpec, ReferrerSpec};
use crate::template::{MethodSet, Template};

/// What a kind of restriction says of a request, and with which mode; `None` if there is none of that kind.
pub(crate) type Checked = Option<(Mode, Result<(), Reason>)>;

/// One restriction of each kind, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
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

/// One kind of restriction with its mode.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Restriction<T> {
    mode: Mode,
    rule: T,
}

impl Kinds {
    /// Compiles one of each.
    pub(super) fn compile(
        ip: Option<&IpSpec>,
        referrer: Option<&ReferrerSpec>,
        endpoint: Option<&EndpointSpec>,
    ) -> Result<Self, RestrictionError> {
        Ok(Self {
            ip: ip.map(compile_ip).transpose()?,
            referrer: referrer.map(compile_referrer).transpose()?,
            endpoint: endpoint.map(compile_endpoint).transpose()?,
        })
    }

    /// The same, none of them denying.
    pub(super) fn observing(mut self) -> Self {
        self.ip.iter_mut().for_each(|it| it.mode = Mode::Observe);
        self.referrer.iter_mut().for_each(|it| it.mode = Mode::Observe);
        self.endpoint.iter_mut().for_each(|it| it.mode = Mode::Observe);
        self
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.ip.is_none() && self.referrer.is_none() && self.endpoint.is_none()
    }

    /// The canonical specs.
    pub(super) fn to_spec(&self) -> (Option<IpSpec>, Option<ReferrerSpec>, Option<EndpointSpec>) {
        let ip = self.ip.as_ref().map(|it| IpSpec {
            mode: it.mode,
            allow: it.rule.allow.as_deref().map(texts),
            deny: texts(&it.rule.deny),
        });
        let referrer = self.referrer.as_ref().map(|it| ReferrerSpec {
            mode: it.mode,
            allow: texts(&it.rule.allow),
            allow_missing: it.rule.allow_missing,
        });
        let endpoint = self.endpoint.as_ref().map(|it| EndpointSpec {
            mode: it.mode,
            allow: sorted(it.rule.iter().map(|endpoint| endpoint.text.clone()).collect()),
        });
        (ip, referrer, endpoint)
    }

    /// Whether browsers use the key.
    pub(super) fn has_referrer(&self) -> bool {
        self.referrer.is_some()
    }

    /// The rule on client addresses, if any.
    pub(crate) fn ip(&self, address: impl FnOnce() -> Option<IpAddr>) -> Checked {
        self.ip.as_ref().map(|it| (it.mode, it.rule.check(address())))
    }

    /// The rule on pages, if any.
    pub(crate) fn referrer(&self, request: &Request<'_>) -> Checked {
        self.referrer.as_ref().map(|it| (it.mode, it.rule.check(request)))
    }

    /// The rule on endpoints, if any. No path (CONNECT, `OPTIONS *`) is a path without segments.
    pub(crate) fn endpoint(&self, method: &[u8], path: Option<&CanonicalPath<'_>>) -> Checked {
        self.endpoint.as_ref().map(|it| {
            let matches = |template: &Template| match path {
                Some(path) => template.matches(path.segments()),
                None => template.matches(core::iter::empty()),
            };
            let fits = |endpoint: &Endpoint| endpoint.methods.contains(method) && matches(&endpoint.template);
            (it.mode, it.rule.iter().any(fits).then_some(()).ok_or(Reason::EndpointNotAllowed))
        })
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
        parse(text).map_err(|problem| RestrictionError { field: format!("{field}[{index}]"), problem })
    };
    list.iter().enumerate().map(parse_at).collect()
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    sorted(items.iter().map(ToString::to_string).collect())
}

pub(super) fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts
}
