//! Path templates and methods: what a rule is for, and the router that finds a request's rule.
//!
//! It matches segments that [`path`](crate::path) has made canonical and knows nothing of access. Invariant: what
//! [`Template::parse`] accepts can be told apart by shape alone, so that [`Router`] never has to choose by order.

mod literals;
mod method;
mod router;
mod variant;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::path::{MAX_SEGMENTS, unescape};

pub use method::{Method, MethodError, MethodSet};
pub use router::{Router, Tie};

/// A path template: `/v1/users/{id}`, `/v1/files/**`.
///
/// A literal stands for itself, `{name}` for any one segment, a trailing `/**` for any further segments, none
/// included. A literal such as `models:run` also matches its escaped spelling `models%3Arun`: upstreams read both alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: Box<str>,
    parts: Vec<Part>,
    open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<[u8]>),
    Parameter,
}

/// Why a template is refused. Whoever wrote the policy or the restriction mends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Does not begin with `/`.
    #[error("template `{0}` does not begin with `/`; hint: write `/{0}`")]
    NotAbsolute(String),
    /// `//` inside or at the end.
    #[error("template `{0}` has an empty segment; hint: remove the extra `/`")]
    EmptySegment(String),
    /// A single `/` at the end.
    #[error("template `{0}` ends in `/`; hint: leave it out, a request's trailing slash is ignored, or write `{0}**`")]
    TrailingSlash(String),
    /// `.` or `..` as a segment.
    #[error("template `{0}` has a `.` or `..` segment; hint: such requests are refused, write the path it stands for")]
    DotSegment(String),
    /// A `*` that is not a trailing `/**`.
    #[error("template `{0}` has a `*` out of place; hint: write `{{name}}` for one segment, `/**` at the end for any")]
    Wildcard(String),
    /// A brace that does not enclose a whole segment.
    #[error("segment `{0}` is neither a literal nor a parameter; hint: a parameter is a whole segment, `{{name}}`")]
    PartialParameter(String),
    /// A parameter's name is empty or has odd characters.
    #[error("parameter `{0}` has no good name; hint: use letters, digits and `_`, such as `{{user_id}}`")]
    ParameterName(String),
    /// Two parameters of one name.
    #[error("parameter `{0}` stands twice in one template; hint: give each its own name")]
    DuplicateParameter(String),
    /// A literal holds what a canonical path never holds unescaped.
    #[error(
        "segment `{segment}` holds `{character}`; hint: write letters, digits and `-._~!$&'()+,=:@` only, or use `{{name}}`"
    )]
    Literal {
        /// The whole segment.
        segment: String,
        /// The first character that cannot stand there.
        character: char,
    },
    /// More segments than any request may have.
    #[error("template has more than {MAX_SEGMENTS} segments; hint: end it earlier with `/**`")]
    TooLong,
}

impl Template {
    /// Reads a template, or says what is wrong with it.
    pub fn parse(source: &str) -> Result<Template, TemplateError> {
        let path = source.strip_prefix('/').ok_or_else(|| TemplateError::NotAbsolute(source.into()))?;
        let (path, open) = match path.strip_suffix("**") {
            Some("") => ("", true),
            Some(head) => (head.strip_suffix('/').ok_or_else(|| TemplateError::Wildcard(source.into()))?, true),
            None => (path, false),
        };
        let mut parts = Vec::new();
        if !path.is_empty() {
            parse_parts(source, path, &mut parts)?;
        } else if open && source != "/**" {
            return Err(TemplateError::EmptySegment(source.into()));
        }
        if parts.len() > MAX_SEGMENTS {
            return Err(TemplateError::TooLong);
        }
        Ok(Template { source: source.into(), parts, open })
    }

    /// Paths that it matches, as segments: the shortest, and one below it if there are any.
    pub(crate) fn samples<'p>(&'p self) -> impl Iterator<Item = Vec<&'p [u8]>> {
        // No literal holds a brace, so this stands for any name.
        let sample = |part: &'p Part| if let Part::Literal(literal) = part { &**literal } else { b"{}".as_slice() };
        let shortest: Vec<&[u8]> = self.parts.iter().map(sample).collect();
        let below = self.open.then(|| [shortest.as_slice(), &[b"{}"]].concat());
        [shortest].into_iter().chain(below)
    }

    /// Whether both match the same paths.
    pub(crate) fn has_shape(&self, other: &Template) -> bool {
        self.parts == other.parts && self.open == other.open
    }

    /// Whether canonical segments fit the template.
    pub fn matches<'a>(&self, mut segments: impl Iterator<Item = &'a [u8]> + Clone) -> bool {
        self.parts.iter().all(|part| segments.next().is_some_and(|segment| part.matches(segment)))
            && (self.open || segments.next().is_none())
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Part {
    fn matches(&self, segment: &[u8]) -> bool {
        match self {
            Part::Literal(literal) => **literal == *segment || *unescape(segment) == **literal,
            Part::Parameter => !segment.is_empty(),
        }
    }
}

fn parse_parts(source: &str, path: &str, parts: &mut Vec<Part>) -> Result<(), TemplateError> {
    let mut names = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "" if segments.peek().is_none() && !source.ends_with('*') => {
                return Err(TemplateError::TrailingSlash(source.into()));
            }
            "" => return Err(TemplateError::EmptySegment(source.into())),
            "." | ".." => return Err(TemplateError::DotSegment(source.into())),
            _ if segment.contains('*') => return Err(TemplateError::Wildcard(source.into())),
            _ if segment.contains(['{', '}']) => parts.push(parse_parameter(segment, &mut names)?),
            _ => parts.push(parse_literal(segment)?),
        }
    }
    Ok(())
}

fn parse_parameter<'s>(segment: &'s str, names: &mut Vec<&'s str>) -> Result<Part, TemplateError> {
    let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let name = inner.filter(|name| !name.contains(['{', '}']));
    let name = name.ok_or_else(|| TemplateError::PartialParameter(segment.into()))?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(TemplateError::ParameterName(segment.into()));
    }
    if names.contains(&name) {
        return Err(TemplateError::DuplicateParameter(segment.into()));
    }
    names.push(name);
    Ok(Part::Parameter)
}

fn parse_literal(segment: &str) -> Result<Part, TemplateError> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-._~!$&'()+,=:@".contains(character);
    match segment.chars().find(|&character| !fits(character)) {
        Some(character) => Err(TemplateError::Literal { segment: segment.into(), character }),
        None => Ok(Part::Literal(segment.as_bytes().into())),
    }
}
