//! A compiled policy: everything the decision needs to know that is not about one key or one request.
//!
//! It cannot be built by hand: [`Policy::compile`] is the only way, and what it refuses is listed in
//! [`PolicyProblem`]. Invariant: every name a rule or format uses is one the policy declares.

mod compile;
mod error;
mod gap;
mod limits;
mod services;
mod tokens;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::credential::CredentialSource;
use crate::key_format::KeyFormats;
use crate::path::CanonicalPath;
use crate::reason::{Code, Reason};
use crate::request::Request;
use crate::scope::{Requirement, Scope};
use crate::service::Service;
use crate::spec::{
    Access, DefaultAccess, ErrorFormat, IdentityHeaders, OnUnavailable, PolicySpec, Preflight, RateLimitHeaders,
    TokensSpec,
};
use crate::template::{Method, MethodSet, Router, Template};

pub use error::{Conflict, Location, PolicyError, PolicyProblem};
pub use gap::Gap;
pub(crate) use limits::{Defaults, RuleLimits, RuleRate};
pub use services::CredentialProblem;

/// A compiled policy.
#[derive(Debug)]
pub struct Policy {
    name: Box<str>,
    realm: Box<str>,
    docs_url: Option<Box<str>>,
    error_format: ErrorFormat,
    default: DefaultAccess,
    pub(crate) write_implies_read: bool,
    pub(crate) preflight: Preflight,
    forward_credential: bool,
    identity_headers: IdentityHeaders,
    pub(crate) limits: Defaults,
    environments: Vec<Box<str>>,
    scopes: Vec<Scope>,
    sources: Vec<CredentialSource>,
    formats: KeyFormats,
    tokens: Option<TokensSpec>,
    services: Vec<Service>,
    rules: Vec<Rule>,
    router: Router,
    messages: Vec<(Code, Box<str>)>,
}

/// A compiled route rule.
#[derive(Debug)]
pub struct Rule {
    pub(crate) methods: MethodSet,
    pub(crate) template: Template,
    pub(crate) access: Access,
    pub(crate) requirement: Requirement,
    /// Indexes of the environments it serves; empty = all.
    pub(crate) environments: Vec<usize>,
    /// The index of the service that it leads to.
    pub(crate) service: Option<usize>,
    pub(crate) limits: RuleLimits,
}

/// Which rule is for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route<'p> {
    /// That one, with its index in the policy.
    Rule(usize, &'p Rule),
    /// None; this is what the policy does then.
    Unmatched(DefaultAccess),
}

impl Policy {
    /// Compiles a spec, or says what is wrong with it and where.
    pub fn compile(spec: &PolicySpec) -> Result<Self, PolicyError> {
        compile::compile(spec)
    }

    /// Its short name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The realm of `WWW-Authenticate`.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The shape of error bodies.
    pub fn error_format(&self) -> ErrorFormat {
        self.error_format
    }

    /// Whether the credential travels on to the upstream.
    pub fn forwards_credential(&self) -> bool {
        self.forward_credential
    }

    /// Which identity headers the upstream gets.
    pub fn identity_headers(&self) -> IdentityHeaders {
        self.identity_headers
    }

    /// Which answers tell where limits stand.
    pub fn rate_limit_headers(&self) -> RateLimitHeaders {
        self.limits.headers
    }

    /// What happens to a request whose quota cannot be asked.
    pub fn on_unavailable(&self) -> OnUnavailable {
        self.limits.on_unavailable
    }

    /// What a request takes of its quotas under the rule of that index, or under none.
    pub fn cost(&self, rule: Option<usize>) -> u32 {
        self.limits_of(rule).cost
    }

    /// Where a credential may stand, in order.
    pub fn credential_sources(&self) -> &[CredentialSource] {
        &self.sources
    }

    /// The key formats.
    pub fn key_formats(&self) -> &KeyFormats {
        &self.formats
    }

    /// What access tokens it has minted and takes, if any.
    pub fn tokens(&self) -> Option<&TokensSpec> {
        self.tokens.as_ref()
    }

    /// Services outside, as written.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service of that index.
    pub(crate) fn service(&self, index: usize) -> Option<&Service> {
        self.services.get(index)
    }

    /// Whether `x:write` grants `x:read` too.
    pub fn write_implies_read(&self) -> bool {
        self.write_implies_read
    }

    /// The environment of that index; empty if there is none.
    pub fn environment(&self, index: usize) -> &str {
        self.environments.get(index).map_or("", |name| name)
    }

    /// The index of the environment of that name.
    pub(crate) fn environment_index(&self, name: &str) -> Option<usize> {
        self.environments.iter().position(|known| **known == *name)
    }

    /// All environments.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.environments.iter().map(|name| &**name)
    }

    /// All scopes that rules may want and keys may hold.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// All rules, as written.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Where a rule guards some methods of a path and leaves others to a laxer rule: valid, and often a mistake.
    pub fn gaps(&self) -> Vec<Gap> {
        gap::find(self)
    }

    /// What the client reads with a code.
    pub fn message(&self, code: Code) -> &str {
        let own = self.messages.iter().find(|(listed, _)| *listed == code);
        own.map_or(code.default_message(), |(_, message)| message)
    }

    /// The page that explains a code, if the policy names one.
    pub fn docs_url(&self, code: Code) -> Option<String> {
        self.docs_url.as_deref().map(|url| url.replace("{code}", code.as_str()))
    }

    /// The rule for a request. A method or path that could mean two rules is refused, never guessed.
    pub(crate) fn route(&self, method: &[u8], path: Option<&CanonicalPath<'_>>) -> Result<Route<'_>, Reason> {
        if self.is_misspelt(method) {
            return Err(Reason::AmbiguousPath);
        }
        let Some(path) = path else { return Ok(Route::Unmatched(self.default)) };
        let mut others = Others { policy: self, last: None, differ: false };
        let mut other = |rule| others.add(rule);
        let found = self.router.find_each(method, path.segments(), &mut other);
        if path.has_parameters()
            && self.router.find_each(method, path.segments_without_parameters(), &mut other) != found
        {
            return Err(Reason::AmbiguousPath);
        }
        if others.contradict(found) {
            return Err(Reason::AmbiguousPath);
        }
        let rule = found.and_then(|index| self.rules.get(index).map(|rule| Route::Rule(index, rule)));
        Ok(rule.unwrap_or(Route::Unmatched(self.default)))
    }

    /// Whether an upstream that ignores the case of methods would take it for one that has rules of its own.
    fn is_misspelt(&self, method: &[u8]) -> bool {
        Method::of(method) == Method::Other
            && (Method::is_known_in_another_case(method)
                || self.rules.iter().any(|rule| rule.methods.lists_in_another_case(method)))
            && !self.rules.iter().any(|rule| rule.methods.lists(method))
    }

    /// What a rule, or none, asks of limits.
    fn limits_of(&self, rule: Option<usize>) -> RuleLimits {
        rule.and_then(|index| self.rules.get(index)).map(|rule| rule.limits).unwrap_or_default()
    }

    /// What is wanted of a request under that rule, or under none.
    fn demands(&self, rule: Option<usize>) -> Demands<'_> {
        let limits = self.limits_of(rule);
        match (rule.and_then(|index| self.rules.get(index)), self.default) {
            (Some(rule), _) => (rule.access, &rule.requirement, &rule.environments, rule.service, limits),
            (None, DefaultAccess::Public) => (Access::Public, &Requirement::Nothing, &[], None, limits),
            (None, DefaultAccess::Authenticate | DefaultAccess::Deny) => {
                (Access::Key, &Requirement::Nothing, &[], None, limits)
            }
        }
    }
}

/// What is wanted of a request, and where it goes.
type Demands<'p> = (Access, &'p Requirement, &'p [usize], Option<usize>, RuleLimits);

/// The rules that a path would have in the eyes of a less exact reader.
struct Others<'p> {
    policy: &'p Policy,
    last: Option<usize>,
    /// Whether some two of them want different things.
    differ: bool,
}

impl Others<'_> {
    fn add(&mut self, rule: usize) {
        let last = self.last.replace(rule);
        self.differ |= last.is_some() && self.policy.demands(last) != self.policy.demands(Some(rule));
    }

    /// Whether one of them wants something else than the rule found. What nothing lets in needs no second look.
    fn contradict(&self, found: Option<usize>) -> bool {
        let refused = found.is_none() && self.policy.default == DefaultAccess::Deny;
        let differ = || self.differ || self.policy.demands(self.last) != self.policy.demands(found);
        self.last.is_some() && !refused && differ()
    }
}

impl Rule {
    /// The scopes it wants.
    pub fn requirement(&self) -> &Requirement {
        &self.requirement
    }
}

impl core::fmt::Display for Rule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", self.methods, self.template)
    }
}

/// The path of a request, canonical; `None` where there is none to match (CONNECT, `OPTIONS *`).
pub(crate) fn canonical_path<'r>(request: &Request<'r>) -> Result<Option<CanonicalPath<'r>>, Reason> {
    match request.path {
        None | Some(b"" | b"*") => Ok(None),
        Some(raw) => CanonicalPath::parse(raw).map(Some).map_err(|_| Reason::AmbiguousPath),
    }
}
