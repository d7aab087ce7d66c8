//! What a case expects, what a runner saw, and how the two compare.
//!
//! A runner says `Unseen` of what it has no eyes for (the engine sees no headers, real Envoy's client sees no reason);
//! what is unseen is not compared. Invariant: an answer that differs in anything seen is a `Mismatch`.

use std::fmt::{self, Debug, Display};

use portcullis_engine::reason::{Code, Reason};

use crate::key::KeyRing;

/// What a case expects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// HTTP status; 200 = the upstream answered (or a gRPC denial, then with `grpc_status`).
    pub status: u16,
    /// The grpc-status of a denial to a gRPC client.
    pub grpc_status: Option<u32>,
    /// The public code of a denial.
    pub code: Option<Code>,
    /// The internal reason of a denial.
    pub reason: Option<Reason>,
    /// The message of a denial, where the case pins it.
    pub message: Option<String>,
    /// Response headers that must be there with that value; `*` = any value, `<seconds>` = a whole number.
    pub headers: Vec<(String, String)>,
    /// Response headers that must not be there.
    pub without_headers: Vec<String>,
    /// The environment the upstream is told; on a denial, the one the key has.
    pub environment: Option<String>,
    /// The alias of the key the upstream is told; on a denial, the one recognised.
    pub key: Option<String>,
    /// The alias of the organisation the upstream is told.
    pub organization: Option<String>,
    /// The scopes the upstream is told.
    pub scopes: Option<String>,
    /// For whom the upstream is told that a token acts.
    pub subject: Option<String>,
    /// What restrictions in observe mode would have denied for.
    pub observed: Vec<Reason>,
    /// Request headers that must not reach the upstream.
    pub hidden: Vec<String>,
    /// The cluster of the service that the request is sent to; absent = to the upstream.
    pub service: Option<String>,
    /// The path with its query that the service gets.
    pub sent_path: Option<String>,
    /// The host that the service is asked under.
    pub sent_host: Option<String>,
    /// Request headers that the service gets: of each name all values, in order.
    pub sent_headers: Vec<(String, String)>,
    /// The reference that a denial is about.
    pub reference: Option<String>,
}

/// Something a runner may or may not have eyes for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seen<T> {
    /// This runner cannot tell.
    #[default]
    Unseen,
    /// It was not there.
    Absent,
    /// It was this.
    Is(T),
}

/// What a runner saw.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// HTTP status. A gRPC denial is a 200 with a `grpc_status`.
    pub status: u16,
    /// The grpc-status.
    pub grpc_status: Seen<u32>,
    /// The public code in the body.
    pub code: Seen<String>,
    /// The message in the body.
    pub message: Seen<String>,
    /// The internal reason.
    pub reason: Seen<String>,
    /// Response headers, names in lower case.
    pub headers: Seen<Vec<(String, String)>>,
    /// The environment the upstream was told.
    pub environment: Seen<String>,
    /// The id of the key the upstream was told.
    pub key_id: Seen<String>,
    /// The id of the organisation the upstream was told.
    pub organization: Seen<String>,
    /// The scopes the upstream was told.
    pub scopes: Seen<String>,
    /// For whom the upstream was told that a token acts.
    pub subject: Seen<String>,
    /// Reasons only observed.
    pub observed: Seen<Vec<String>>,
    /// The names of the request headers that reached the upstream, in lower case.
    pub forwarded: Seen<Vec<String>>,
    /// The cluster of the service that the request was sent to.
    pub service: Seen<String>,
    /// The path with its query that the service got.
    pub sent_path: Seen<String>,
    /// The host that the service was asked under.
    pub sent_host: Seen<String>,
    /// Request headers that the service got, names in lower case.
    pub sent_headers: Seen<Vec<(String, String)>>,
    /// The reference that the body of a denial is about.
    pub reference: Seen<String>,
    /// What is wrong with the body itself, whatever the case.
    pub defects: Vec<String>,
}

/// An answer that is not the expected one; prints one line per difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The differences, at least one.
    pub differences: Vec<String>,
}

impl std::error::Error for Mismatch {}

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.differences.join("; "))
    }
}

impl<T> From<Option<T>> for Seen<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Is)
    }
}

impl<T> Seen<T> {
    fn map<U>(&self, f: impl FnOnce(&T) -> U) -> Seen<U> {
        match self {
            Self::Unseen => Seen::Unseen,
            Self::Absent => Seen::Absent,
            Self::Is(value) => Seen::Is(f(value)),
        }
    }
}

impl Expectation {
    /// Whether the request is to reach the upstream.
    pub fn is_allowed(&self) -> bool {
        self.status == 200 && self.code.is_none()
    }

    /// Compares what a runner saw with what is expected.
    pub fn check(&self, ring: &KeyRing, outcome: &Outcome) -> Result<(), Mismatch> {
        let mut found = Differences::default();
        found.all.extend(outcome.defects.iter().cloned());
        found.compare("status", &Seen::Is(outcome.status), Some(&self.status));
        found.compare("grpc-status", &outcome.grpc_status, self.grpc_status.as_ref());
        if self.is_allowed() {
            self.check_identity(ring, outcome, &mut found);
        } else {
            self.check_denial(ring, outcome, &mut found);
        }
        self.check_headers(outcome, &mut found);
        if found.all.is_empty() { Ok(()) } else { Err(Mismatch { differences: found.all }) }
    }

    /// An allowed request carries exactly the expected identity; a public one carries none.
    fn check_identity(&self, ring: &KeyRing, outcome: &Outcome, found: &mut Differences) {
        let observed = self.observed.iter().map(|reason| reason.as_str().to_owned()).collect();
        found.compare("environment", &outcome.environment, self.environment.as_ref());
        found.compare("key", &named(ring, &outcome.key_id), self.key.as_ref());
        found.given("organization", &organization(ring, &outcome.organization), self.organization.as_ref());
        found.given("scopes", &outcome.scopes, self.scopes.as_ref());
        // Exact: who acts for nobody is not told as somebody.
        found.compare("subject", &outcome.subject, self.subject.as_ref());
        found.given("observed", &outcome.observed, Some(&observed));
        self.check_sent(outcome, found);
        if let Seen::Is(forwarded) = &outcome.forwarded {
            let leaked = self.hidden.iter().filter(|name| forwarded.contains(name));
            found.all.extend(leaked.map(|name| format!("the upstream sees `{name}`")));
        }
    }

    /// What goes to a service goes there exactly; what goes to the upstream goes to no service.
    fn check_sent(&self, outcome: &Outcome, found: &mut Differences) {
        found.compare("service", &outcome.service, self.service.as_ref());
        found.given("sent path", &outcome.sent_path, self.sent_path.as_ref());
        found.given("sent host", &outcome.sent_host, self.sent_host.as_ref());
        let Seen::Is(headers) = &outcome.sent_headers else { return };
        let values = |headers: &[(String, String)], name: &str| -> Vec<String> {
            headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect()
        };
        for (name, _) in &self.sent_headers {
            let (sent, expected) = (values(headers, name), values(&self.sent_headers, name));
            found.compare(&format!("sent header `{name}`"), &Seen::Is(sent), Some(&expected));
        }
    }

    fn check_denial(&self, ring: &KeyRing, outcome: &Outcome, found: &mut Differences) {
        found.given("code", &outcome.code, self.code.map(|code| code.as_str().to_owned()).as_ref());
        found.given("reason", &outcome.reason, self.reason.map(|reason| reason.as_str().to_owned()).as_ref());
        found.given("message", &outcome.message, self.message.as_ref());
        // Exact: who is refused for something else is told of no secret.
        found.compare("reference", &outcome.reference, self.reference.as_ref());
        found.given("environment", &outcome.environment, self.environment.as_ref());
        found.given("key", &named(ring, &outcome.key_id), self.key.as_ref());
    }

    fn check_headers(&self, outcome: &Outcome, found: &mut Differences) {
        let Seen::Is(headers) = &outcome.headers else { return };
        let value = |name: &str| headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
        for (name, expected) in self.headers.iter().chain(&self.promised()) {
            let fits = value(name).is_some_and(|value| matches(value, expected));
            if !fits {
                found.all.push(format!("header `{name}`: expected `{expected}`, found {:?}", value(name)));
            }
        }
        let unwanted = self.without_headers.iter().filter(|name| value(name).is_some());
        found.all.extend(unwanted.map(|name| format!("header `{name}` should not be there")));
    }

    /// Headers that every denial with that code carries, whether the case says so or not.
    fn promised(&self) -> Vec<(String, String)> {
        let promised: &[(&str, &str)] = match self.code.map(Code::status) {
            Some(401) => &[("www-authenticate", "Bearer *")],
            Some(429 | 503) => &[("retry-after", "<seconds>")],
            _ => &[],
        };
        promised.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

/// A key id by its alias where the ring knows it: `reader` says more than `key_8x…`.
fn named(ring: &KeyRing, id: &Seen<String>) -> Seen<String> {
    id.map(|id| ring.alias_of(id).unwrap_or(id).to_owned())
}

/// Likewise an organisation's id.
fn organization(ring: &KeyRing, id: &Seen<String>) -> Seen<String> {
    id.map(|id| ring.organization_of(id).unwrap_or(id).to_owned())
}

fn matches(value: &str, expected: &str) -> bool {
    match expected {
        "<seconds>" => !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()),
        _ => match expected.strip_suffix('*') {
            Some(start) => value.starts_with(start) && value.len() > start.len(),
            None => value == expected,
        },
    }
}

#[derive(Default)]
struct Differences {
    all: Vec<String>,
}

impl Differences {
    /// Exact: nothing expected means that nothing may be there.
    fn compare<T: PartialEq + Debug>(&mut self, what: &str, seen: &Seen<T>, expected: Option<&T>) {
        let same = match (seen, expected) {
            (Seen::Unseen, _) | (Seen::Absent, None) => true,
            (Seen::Is(seen), Some(expected)) => seen == expected,
            _ => false,
        };
        if !same {
            self.all.push(format!("{what}: expected {expected:?}, found {seen:?}"));
        }
    }

    /// Compared only where the case says something.
    fn given<T: PartialEq + Debug>(&mut self, what: &str, seen: &Seen<T>, expected: Option<&T>) {
        if expected.is_some() {
            self.compare(what, seen, expected);
        }
    }
}
