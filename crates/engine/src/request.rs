//! A request as the decision sees it: borrowed bytes, nothing trusted, nothing decoded yet.
//!
//! Invariant: header names are lower case, as every HTTP codec of the proxy leaves them.

use crate::ascii;

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method; empty when the proxy gave none.
    pub method: &'a [u8],
    /// `:path` with its query; absent for CONNECT.
    pub path: Option<&'a [u8]>,
    /// Every header in order, duplicates included. Pseudo-headers may be among them and are ignored.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

/// How often a header stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            if *header == name.as_bytes() {
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
