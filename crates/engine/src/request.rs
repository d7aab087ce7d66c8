//! A request as the decision sees it: borrowed bytes, nothing trusted, nothing decoded yet.
//!
//! Invariant: header names are lower case, as every HTTP codec of the proxy leaves them.

use core::fmt;

use crate::ascii;

/// One request. Its `Debug` shows no header's value and no query: the key may stand there.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method; empty when the proxy gave none.
    pub method: &'a [u8],
    /// `:path` with its query; absent for CONNECT.
    pub path: Option<&'a [u8]>,
    /// Every header in order, duplicates included. Pseudo-headers may be among them and are ignored.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

/// How often a header stands in a request. Its `Debug` does not show the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Occurrence<'a> {
    /// Not at all.
    Absent,
    /// Once.
    Once(&'a [u8]),
    /// More than once.
    Repeated,
}

impl<'a> Request<'a> {
    /// How often that header is there, and its value if once.
    pub fn header(&self, name: &str) -> Occurrence<'a> {
        let mut found = Occurrence::Absent;
        for (header, value) in self.headers {
            if ascii::same(header, name.as_bytes()) {
                if found != Occurrence::Absent {
                    return Occurrence::Repeated;
                }
                found = Occurrence::Once(value);
            }
        }
        found
    }

    /// Whether this is a CORS preflight (Fetch standard §4.8): browsers send it without credentials.
    pub fn is_preflight(&self) -> bool {
        self.method == b"OPTIONS"
            && matches!(self.header("origin"), Occurrence::Once(_))
            && matches!(self.header("access-control-request-method"), Occurrence::Once(_))
    }

    /// Whether the client speaks gRPC and so reads `grpc-status` rather than the HTTP status.
    pub fn is_grpc(&self) -> bool {
        match self.header("content-type") {
            Occurrence::Once(value) => ascii::is_grpc_content_type(value),
            _ => false,
        }
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without_query = |path: &'_ [u8]| path.iter().position(|&byte| byte == b'?').unwrap_or(path.len());
        let path = self.path.and_then(|path| path.get(..without_query(path)));
        f.debug_struct("Request")
            .field("method", &Bytes(self.method))
            .field("path", &path.map(Bytes))
            .field("headers", &Names(self.headers))
            .finish()
    }
}

impl fmt::Debug for Occurrence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Once(_) => "Once(..)",
            Self::Repeated => "Repeated",
        })
    }
}

/// Bytes as text.
struct Bytes<'a>(&'a [u8]);

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Headers without their values.
struct Names<'a>(&'a [(&'a [u8], &'a [u8])]);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| Bytes(name))).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn what_is_printed_holds_no_credential() {
        let headers: [(&[u8], &[u8]); 2] = [(b"authorization", b"Bearer sk_live_secret"), (b"cookie", b"key=secret")];
        let request = Request { method: b"GET", path: Some(b"/a\xff?api_key=secret"), headers: &headers };
        let printed = format!("{request:?} {:?}", request.header("cookie"));
        let expected =
            r#"Request { method: "GET", path: Some("/a\xff"), headers: ["authorization", "cookie"] } Once(..)"#;
        assert_eq!(printed, expected);
        // Not as a list of byte values either.
        assert!(!format!("{request:#?}").contains("115"));
        let bare = Request { method: b"", path: None, headers: &[] };
        assert_eq!(format!("{bare:?}"), r#"Request { method: "", path: None, headers: [] }"#);
    }
}
