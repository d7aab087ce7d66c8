//! The one reading of a request path, or a refusal.
//!
//! Proxies, filters and upstreams disagree about escapes, dot segments and doubled slashes, and every disagreement
//! is a way around a rule. So nothing is guessed: what could be read in two ways is refused, and the rest is put in
//! one canonical spelling. It does not match paths against rules; see [`template`](crate::template).
//!
//! Invariant: Envoy's own normalisation of an accepted path, and an upstream that decodes every escape, find the
//! same segments.

mod canonical;

use alloc::borrow::Cow;

use canonical::{Shape, rewrite, scan};

/// Longest path read, in bytes, without its query.
pub const MAX_PATH: usize = 8 * 1024;
/// Most segments read.
pub const MAX_SEGMENTS: usize = 128;

/// The segments of a request path in canonical form. The query is cut off.
///
/// Escapes of unreserved characters are decoded, the hex of other escapes is upper case, and characters that may
/// not stand in a path (`"`, `<`, `{` and the like) are escaped. It borrows the input unless one of these happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalPath<'a> {
    text: Cow<'a, [u8]>,
    parameters: bool,
}

/// Why a path is refused. The client sent it; the client has to send another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// `%2F` or `%5C`: some readers split the segment there.
    #[error("an escaped `/` or `\\`")]
    EncodedSeparator,
    /// A raw `\`: some readers take it for `/`.
    #[error("a backslash")]
    Backslash,
    /// `.` or `..` as a segment, escaped or followed by `;…` or not; also with more dots or with blanks, since some
    /// readers cut both off.
    #[error("a `.` or `..` segment")]
    DotSegment,
    /// `//`, or a segment that holds only a `;…` parameter or blanks.
    #[error("an empty segment")]
    EmptySegment,
    /// A control byte, raw or escaped.
    #[error("a control byte")]
    ControlByte,
    /// A raw byte above 127, or escapes that are not UTF-8 (`%FF`, or the overlong `%C0%AF` for `/`).
    #[error("a non-ascii byte or an escape that is not utf-8")]
    NonAscii,
    /// `%` without two hex digits after it.
    #[error("a `%` without two hex digits")]
    BadPercent,
    /// `%25` and two hex digits: decoded twice, it means something else.
    #[error("a doubly escaped character")]
    DoubleEncoding,
    /// A `#`: fragments do not belong in requests.
    #[error("a fragment")]
    Fragment,
    /// More than [`MAX_PATH`] bytes or [`MAX_SEGMENTS`] segments.
    #[error("a path that is too long")]
    TooLong,
    /// Does not begin with `/`.
    #[error("a path that does not begin with `/`")]
    NotAbsolute,
}

impl<'a> CanonicalPath<'a> {
    /// Reads `:path`, query included.
    pub fn parse(raw: &'a [u8]) -> Result<CanonicalPath<'a>, PathError> {
        let (path, doubtful) = Self::read(raw)?;
        // Most paths give no reason to look at their segments.
        if doubtful {
            path.check_segments()?;
        }
        Ok(path)
    }

    /// Reads the path of a page's address, without its query, as browsers send it.
    ///
    /// Less is refused: the page is not routed by what is read here, only its beginning is compared. Segments may be
    /// empty, or hold blanks alone, and escapes need not be UTF-8.
    pub(crate) fn parse_page(raw: &'a [u8]) -> Result<CanonicalPath<'a>, PathError> {
        let (path, doubtful) = Self::read(raw)?;
        if doubtful && path.segments_without_parameters().any(|segment| matches!(segment, b"." | b"..")) {
            return Err(PathError::DotSegment);
        }
        Ok(path)
    }

    /// The path in canonical form, and whether its segments need a look.
    fn read(raw: &'a [u8]) -> Result<(CanonicalPath<'a>, bool), PathError> {
        if raw.first() != Some(&b'/') {
            return Err(PathError::NotAbsolute);
        }
        let Shape { path, untidy, parameters, suspect, slashes } = scan(raw)?;
        let text = if untidy { Cow::Owned(rewrite(path)?) } else { Cow::Borrowed(path) };
        let parameters = parameters || untidy && text.windows(3).any(|three| three == b"%3B");
        Ok((CanonicalPath { text, parameters }, untidy || parameters || suspect || slashes > MAX_SEGMENTS))
    }

    /// The segments, in order. One trailing slash is ignored; `/` has none.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let text = self.text.strip_prefix(b"/").unwrap_or(&self.text);
        let text = text.strip_suffix(b"/").unwrap_or(text);
        let none = text.is_empty();
        text.split(|&byte| byte == b'/').skip(usize::from(none))
    }

    /// Whether any segment has a `;…` parameter, raw or escaped.
    pub fn has_parameters(&self) -> bool {
        self.parameters
    }

    /// The segments as readers see them that drop parameters: each cut at its first `;` (or `%3B`).
    pub fn segments_without_parameters(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.segments().map(without_parameters)
    }

    /// The whole canonical path, leading and trailing slash included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    fn check_segments(&self) -> Result<(), PathError> {
        for (position, segment) in self.segments().enumerate() {
            if position >= MAX_SEGMENTS {
                return Err(PathError::TooLong);
            }
            check_segment(segment)?;
        }
        // Only one trailing slash is ignored; `//` alone leaves no segment to look at.
        if self.text.ends_with(b"//") { Err(PathError::EmptySegment) } else { Ok(()) }
    }
}

/// Refuses what is empty or dots once readers have decoded and trimmed it, and what decodes to no text.
fn check_segment(segment: &[u8]) -> Result<(), PathError> {
    let text = unescape(segment);
    let text = core::str::from_utf8(&text).map_err(|_| PathError::NonAscii)?;
    let bare = text.split(';').next().unwrap_or(text);
    if bare.chars().all(is_blank) {
        Err(PathError::EmptySegment)
    } else if bare.chars().all(|character| character == '.' || is_blank(character)) {
        Err(PathError::DotSegment)
    } else {
        Ok(())
    }
}

/// The text with every escape decoded; a `%` that begins none is kept.
pub(crate) fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'%') { Cow::Owned(canonical::decode(text)) } else { Cow::Borrowed(text) }
}

/// Whether readers that trim take the character away: white space and what is as invisible.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn without_parameters(segment: &[u8]) -> &[u8] {
    let raw = segment.split(|&byte| byte == b';').next().unwrap_or(segment);
    match raw.windows(3).position(|three| three == b"%3B") {
        Some(end) => raw.get(..end).unwrap_or(raw),
        None => raw,
    }
}
