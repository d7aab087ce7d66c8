//! What a policy can be refused for, and where in the document it stands.
//!
//! Messages are lower case without a full stop; the hint says how to fix it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::services::CredentialProblem;
use crate::credential::CredentialSourceError;
use crate::limit::InvalidRate;
use crate::reason::Code;
use crate::scope::InvalidScope;
use crate::template::{MethodError, TemplateError};

/// A field's place in a policy: `rules[3].path`. The index comes with the list it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The top-level field: `rules`.
    pub field: &'static str,
    /// Which entry of it, if it is a list.
    pub index: Option<usize>,
    /// Which field of that entry: `path`.
    pub member: Option<&'static str>,
    /// Which entry of that member, if it is a list.
    pub element: Option<usize>,
}

impl Location {
    /// A top-level field.
    pub(crate) const fn top(field: &'static str) -> Self {
        Self { field, index: None, member: None, element: None }
    }

    /// An entry of a top-level list.
    pub(crate) const fn entry(field: &'static str, index: usize) -> Self {
        Self { index: Some(index), ..Self::top(field) }
    }

    /// A field of a top-level table.
    pub(crate) const fn part(field: &'static str, member: &'static str) -> Self {
        Self { member: Some(member), ..Self::top(field) }
    }

    /// A field of an entry.
    pub(crate) const fn member(field: &'static str, index: usize, member: &'static str) -> Self {
        Self { member: Some(member), ..Self::entry(field, index) }
    }

    /// An element of a list in an entry.
    pub(crate) const fn element(field: &'static str, index: usize, member: &'static str, element: usize) -> Self {
        Self { element: Some(element), ..Self::member(field, index, member) }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field)?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))?;
        self.member.map_or(Ok(()), |member| write!(f, ".{member}"))?;
        self.element.map_or(Ok(()), |element| write!(f, "[{element}]"))
    }
}

/// A refused policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {problem}")]
pub struct PolicyError {
    /// Where.
    pub location: Location,
    /// What.
    pub problem: Box<PolicyProblem>,
}

/// Fields of a rule that exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Both lists of scopes.
    #[error("`all` and `any` cannot stand in one rule")]
    AllAndAny,
    /// Anyone passes, and something is wanted.
    #[error("a public rule cannot want scopes or environments")]
    PublicWithDemands,
    /// Anyone passes, and something is counted.
    #[error("a public rule takes no limits: it does not ask who calls")]
    PublicWithLimits,
    /// Anyone passes, and a secret would be given out.
    #[error("a public rule leads to no service: nobody would know whose secrets to use")]
    PublicService,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// A name that must not be empty, or holds characters a header must not.
    #[error("`{0}` is not a usable name")]
    Name(String),
    /// A list that must have an entry.
    #[error("at least one is needed")]
    Empty,
    /// Neither a key format nor access tokens: nobody could call.
    #[error("no key format is there")]
    NoKeys,
    /// Access tokens, and no header to send them in.
    #[error("access tokens are taken from headers alone, and no credential stands in one")]
    NoTokenHeader,
    /// Routes are not told which environment a key is of: a test key would reach live data.
    #[error("`environment` is missing")]
    EnvironmentUntold,
    /// Not an audience of access tokens.
    #[error("`{0}` cannot be an audience")]
    Audience(String),
    /// A number that is too small or too large.
    #[error("{value} is out of range")]
    OutOfRange {
        /// The number.
        value: u32,
        /// The smallest there may be.
        least: u32,
        /// The largest there may be.
        most: u32,
    },
    /// A prefix under which an access token could be taken for a key.
    #[error("an access token could be taken for a key with the prefix `{0}`")]
    TokenPrefix(String),
    /// The same entry twice.
    #[error("`{0}` is there twice")]
    Duplicate(String),
    /// A name that the policy does not declare.
    #[error("unknown {kind} `{name}`")]
    Unknown {
        /// What kind of thing is named: `environment`, `scope`, `code`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Not a scope.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    /// Not a path template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Not a method.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// Not a place where a credential can stand.
    #[error(transparent)]
    Credential(#[from] CredentialSourceError),
    /// A prefix with characters a key cannot have.
    #[error("`{0}` is not a usable key prefix")]
    Prefix(String),
    /// A body too short to be a secret, or a minimum over the maximum.
    #[error("{0} characters after the prefix are out of range")]
    BodyLength(usize),
    /// More than a request can cost.
    #[error("a cost of {0} is out of range")]
    Cost(u32),
    /// Not a rate.
    #[error(transparent)]
    Rate(#[from] InvalidRate),
    /// Two rules for the same requests, neither more specific.
    #[error("this rule and rules[{first}] are for the same requests and neither is more specific")]
    Tie {
        /// The earlier rule's index.
        first: usize,
    },
    /// Fields that exclude each other.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// Not a host.
    #[error("`{0}` is not a host")]
    Host(String),
    /// Not the beginning of a path.
    #[error("`{0}` is not the beginning of a path")]
    StripPrefix(String),
    /// A path of which nothing can be cut.
    #[error("`{path}` does not begin with the service's `strip_prefix` `{prefix}`")]
    ServicePath {
        /// The rule's path.
        path: String,
        /// What is to be cut off.
        prefix: String,
    },
    /// Not a credential for a service.
    #[error(transparent)]
    ServiceCredential(#[from] CredentialProblem),
    /// A text that is empty.
    #[error("`{field}` is empty")]
    EmptyText {
        /// The field: `realm`, or the code whose message it is.
        field: String,
    },
    /// A text with a character that its place in an answer cannot hold.
    #[error("`{field}` holds {}", described(*character))]
    Text {
        /// The field: `realm`, or the code whose message it is.
        field: String,
        /// The first such character.
        character: char,
    },
}

fn described(character: char) -> &'static str {
    match character {
        '"' => "a double quote",
        '\\' => "a backslash",
        '\n' => "a line break",
        _ => "a control character",
    }
}

impl PolicyProblem {
    /// How to fix it, where more can be said than the message says.
    pub fn hint(&self) -> Option<String> {
        let hint: Box<str> = match self {
            Self::Name(_) => "use letters, digits, `-`, `_` and `.`".into(),
            Self::Empty => "add an entry".into(),
            Self::NoKeys => {
                "add a table `[[keys]]`, or a table `[tokens]` if only access tokens are to be taken".into()
            }
            Self::NoTokenHeader => {
                "add `[[credentials]]` with `in = \"header\"`, `name = \"authorization\"`, `scheme = \"Bearer\"`".into()
            }
            Self::EnvironmentUntold => {
                "add `\"environment\"`: by that header the proxy or the upstream keeps test keys from live data".into()
            }
            Self::Audience(_) => {
                "write the API's address, such as `https://api.example.com`: 1 to 255 visible ASCII characters without \
                 double quotes and backslashes"
                    .into()
            }
            Self::OutOfRange { least, most, .. } => return Some(alloc::format!("use {least} to {most}")),
            Self::TokenPrefix(_) => {
                "access tokens begin with `eyJ`: choose a prefix that begins otherwise, such as `sk_live_`".into()
            }
            Self::Duplicate(_) => "remove one of the two".into(),
            Self::Unknown { kind, name, known } => return Some(unknown_hint(kind, name, known)),
            Self::Prefix(_) => "use letters, digits, `_` and `-`: `sk_live_`".into(),
            Self::BodyLength(_) => {
                "use 12 to 200 for `body_length` (18 with a checksum), and no more than that for `min_body_length`"
                    .into()
            }
            Self::Tie { .. } => "give one of them other methods, or a more specific path".into(),
            Self::Conflict(Conflict::AllAndAny) => "keep one of the two".into(),
            Self::Conflict(Conflict::PublicWithDemands) => {
                "remove `access = \"public\"`, or remove `all`, `any` and `environments`".into()
            }
            Self::Conflict(Conflict::PublicWithLimits) => {
                "remove `cost` and `rate_limit`, also one `by = \"everyone\"`, or remove `access = \"public\"`".into()
            }
            Self::Conflict(Conflict::PublicService) => "remove `access = \"public\"`, or remove `service`".into(),
            Self::Host(_) => "write a host, with or without a port: `api.example.com`".into(),
            Self::StripPrefix(_) => {
                "write whole segments of letters, digits and `-._~`, without a slash at the end: `/services/weather`"
                    .into()
            }
            Self::ServicePath { prefix, .. } => return Some(alloc::format!("write `{prefix}/**`")),
            Self::ServiceCredential(problem) => problem.hint().into(),
            Self::Cost(_) => "use 0 to 1000000; a request that costs 0 takes nothing of a quota".into(),
            Self::Rate(InvalidRate::Zero) => "write 1 or more, or remove the limit".into(),
            Self::Rate(InvalidRate::TooFast | InvalidRate::Seconds) => {
                "write less, or remove the limit: nothing comes that fast".into()
            }
            Self::EmptyText { .. } => "write some text, or remove the line".into(),
            Self::Text { character: '"' | '\\', .. } => {
                "leave it out: answers quote this text, and it would end or garble the quote".into()
            }
            Self::Text { .. } => "write one line of printable text".into(),
            Self::Scope(_) | Self::Template(_) | Self::Method(_) | Self::Credential(_) => return None,
        };
        Some(hint.into())
    }
}

fn unknown_hint(kind: &str, name: &str, known: &[String]) -> String {
    let listed = known.join(", ");
    match known.iter().filter(|it| distance(it, name) <= 3).min_by_key(|it| distance(it, name)) {
        Some(near) => alloc::format!("did you mean `{near}`? known {kind}s: {listed}"),
        None => alloc::format!("known {kind}s: {listed}"),
    }
}

/// Levenshtein distance, on bytes: names here are short and ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let cells = row.iter_mut();
        for (cell, y) in cells.skip(1).zip(b.bytes()) {
            let here = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = core::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The names of every code, for [`PolicyProblem::Unknown`].
pub(crate) fn code_names() -> Vec<String> {
    Code::ALL.iter().map(|code| code.as_str().into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("reed", "read", 1), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
