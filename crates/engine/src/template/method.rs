//! Request methods and sets of them.
//!
//! Methods are case-sensitive (RFC 9110 §9.1). Invariant: a set that holds `GET` holds `HEAD`.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A request method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `OPTIONS`.
    Options,
    /// `CONNECT`.
    Connect,
    /// `TRACE`.
    Trace,
    /// Any other token.
    Other,
}

/// The methods that a rule is for: every method, or those listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodSet(Methods);

/// Why a list of methods is refused. Whoever wrote the policy or the restriction mends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// `*` in a list.
    #[error("`*` is not a method; hint: leave the list empty for every method")]
    Star,
    /// Not an RFC 9110 token.
    #[error("`{0}` is not a method; hint: write one method per entry, such as `GET`")]
    NotAToken(String),
    /// A well-known method in lower or mixed case.
    #[error("`{0}` is not a method; hint: methods are case-sensitive, write `{upper}`", upper = .0.to_ascii_uppercase())]
    Case(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Methods {
    Any,
    Listed { known: u16, others: Vec<Box<str>> },
}

impl Method {
    /// Names a method.
    pub fn of(token: &[u8]) -> Method {
        match token {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"PATCH" => Method::Patch,
            b"DELETE" => Method::Delete,
            b"OPTIONS" => Method::Options,
            b"CONNECT" => Method::Connect,
            b"TRACE" => Method::Trace,
            _ => Method::Other,
        }
    }

    /// Whether the token is a known method but for its letter case.
    pub(crate) fn is_known_in_another_case(token: &[u8]) -> bool {
        Method::of(token) == Method::Other && NAMES.iter().any(|(name, _)| name.as_bytes().eq_ignore_ascii_case(token))
    }

    /// The bits a listed method sets; none for [`Method::Other`].
    fn bits(self) -> u16 {
        match self {
            Method::Get => 1 | Method::Head.bits(),
            Method::Head => 1 << 1,
            Method::Post => 1 << 2,
            Method::Put => 1 << 3,
            Method::Patch => 1 << 4,
            Method::Delete => 1 << 5,
            Method::Options => 1 << 6,
            Method::Connect => 1 << 7,
            Method::Trace => 1 << 8,
            Method::Other => 0,
        }
    }
}

const NAMES: [(&str, Method); 9] = [
    ("GET", Method::Get),
    ("HEAD", Method::Head),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
    ("OPTIONS", Method::Options),
    ("CONNECT", Method::Connect),
    ("TRACE", Method::Trace),
];

/// `*`, or the methods with commas between them.
impl fmt::Display for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Methods::Listed { known, others } = &self.0 else { return f.write_str("*") };
        let held = |(name, method): &(&'static str, Method)| (known & method.bits() == method.bits()).then_some(*name);
        let mut separator = "";
        for name in NAMES.iter().filter_map(held).chain(others.iter().map(|other| &**other)) {
            write!(f, "{separator}{name}")?;
            separator = ",";
        }
        Ok(())
    }
}

impl MethodSet {
    /// Every method.
    pub fn any() -> MethodSet {
        MethodSet(Methods::Any)
    }

    /// Reads a list of methods; an empty one stands for every method.
    pub fn parse(list: &[String]) -> Result<MethodSet, MethodError> {
        if list.is_empty() {
            return Ok(MethodSet::any());
        }
        let (mut known, mut others) = (0, Vec::new());
        for method in list {
            check(method)?;
            match Method::of(method.as_bytes()) {
                Method::Other => others.push(method.as_str().into()),
                method => known |= method.bits(),
            }
        }
        Ok(MethodSet(Methods::Listed { known, others }))
    }

    /// Whether a request's method is in the set.
    pub fn contains(&self, method: &[u8]) -> bool {
        match (&self.0, Method::of(method)) {
            (Methods::Any, _) => true,
            (Methods::Listed { others, .. }, Method::Other) => others.iter().any(|other| other.as_bytes() == method),
            (Methods::Listed { known, .. }, method) => known & method.bits() == method.bits(),
        }
    }

    /// Whether some method is in both sets.
    pub fn overlaps(&self, other: &MethodSet) -> bool {
        match (&self.0, &other.0) {
            (Methods::Any, _) | (_, Methods::Any) => true,
            (Methods::Listed { known: a, others: x }, Methods::Listed { known: b, others: y }) => {
                a & b != 0 || x.iter().any(|method| y.contains(method))
            }
        }
    }

    /// Whether the set lists that method by name.
    pub(crate) fn lists(&self, method: &[u8]) -> bool {
        !self.is_any() && self.contains(method)
    }

    /// Whether the set lists, beside the known ones, a method that differs in letter case alone.
    pub(crate) fn lists_in_another_case(&self, method: &[u8]) -> bool {
        let same = |other: &str| other.as_bytes().eq_ignore_ascii_case(method) && other.as_bytes() != method;
        matches!(&self.0, Methods::Listed { others, .. } if others.iter().any(|other| same(other)))
    }

    /// Whether it is every method.
    pub fn is_any(&self) -> bool {
        self.0 == Methods::Any
    }
}

fn check(method: &str) -> Result<(), MethodError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if method == "*" {
        Err(MethodError::Star)
    } else if method.is_empty() || !method.bytes().all(token) {
        Err(MethodError::NotAToken(method.into()))
    } else if Method::is_known_in_another_case(method.as_bytes()) {
        Err(MethodError::Case(method.into()))
    } else {
        Ok(())
    }
}
