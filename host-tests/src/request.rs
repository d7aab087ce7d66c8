//! What a client sends, and what comes of it.
//!
//! No bodies: a request is its headers and ends with them, an answer its headers and trailers. `serve` runs it.

use std::net::{IpAddr, SocketAddr};

use crate::headers::Headers;

/// A request as Envoy's HTTP connection manager would hand it to the filter.
#[derive(Clone, Debug)]
pub struct Request {
    /// `:method`.
    pub method: String,
    /// `:path`, query included; absent as in a plain CONNECT. Bytes, as no codec stands before them here.
    pub path: Option<Vec<u8>>,
    /// `:authority`.
    pub authority: String,
    /// The other headers, in order; duplicates of inline headers are joined as Envoy joins them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// `source.address`: `ip:port`, or the path of a socket.
    pub from: String,
}

impl Request {
    /// A request without headers of its own, from 127.0.0.1.
    #[must_use]
    pub fn new(method: &str, path: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.to_owned(),
            path: Some(path.as_ref().to_vec()),
            authority: "api.example.com".to_owned(),
            headers: Vec::new(),
            from: "127.0.0.1:50000".to_owned(),
        }
    }

    /// `GET path`.
    #[must_use]
    pub fn get(path: impl AsRef<[u8]>) -> Self {
        Self::new("GET", path)
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With `authorization: Bearer <key>`.
    #[must_use]
    pub fn bearer(self, key: &str) -> Self {
        self.header("authorization", format!("Bearer {key}"))
    }

    /// From another address.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = SocketAddr::new(address, 50000).to_string();
        self
    }

    /// The header map the filter sees; Envoy adds scheme, protocol and request id.
    pub(crate) fn map(&self, request_id: &str) -> Headers {
        let mut map = Headers::default();
        map.add(":authority", &self.authority);
        if let Some(path) = &self.path {
            map.add(":path", path);
        }
        map.add(":method", &self.method);
        map.add(":scheme", "http");
        self.headers.iter().for_each(|(name, value)| map.add(name, value));
        map.replace(b"x-forwarded-proto", b"http");
        map.replace(b"x-request-id", request_id.as_bytes());
        map
    }
}

/// What an upstream answers: 200, and nothing else, unless a test says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Headers, `:status` included.
    pub headers: Headers,
    /// Trailers; empty = there are none.
    pub trailers: Headers,
}

impl Default for Upstream {
    fn default() -> Self {
        Self { headers: [(":status", "200")].into_iter().collect(), trailers: Headers::default() }
    }
}

impl Upstream {
    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.add(name, value);
        self
    }

    /// With one more trailer.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.add(name, value);
        self
    }
}

/// A request that is at its upstream, which has not answered yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Sent {
    /// What the upstream received.
    pub headers: Headers,
    pub(crate) worker: usize,
    pub(crate) stream: u32,
}

/// What the client or the upstream gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request went on to the router.
    Forwarded {
        /// What the upstream receives.
        headers: Headers,
        /// What the client receives: the upstream's headers after the filter's response phase.
        response: Headers,
        /// The upstream's trailers, likewise; none without trailers.
        trailers: Headers,
    },
    /// The filter answered (or the router, which refuses header values that break lines).
    Replied {
        /// `:status` as the client sees it: 200 for gRPC clients.
        status: u32,
        /// `%RESPONSE_CODE_DETAILS%`.
        details: String,
        /// What the client receives, `:status` included.
        headers: Headers,
        /// The body as the filter sent it; for gRPC clients it travels in `grpc-message`.
        body: Vec<u8>,
        /// Only for gRPC clients.
        grpc_status: Option<u32>,
    },
    /// The VM is dead, or died on this request: 503, no body, `wasm_fail_stream`.
    Failed503,
    /// The filter closed the stream without an answer.
    Closed,
    /// The filter paused the stream: whether something wakes it, [`Process::woken`](crate::Process::woken) tells.
    Waits,
}

impl Outcome {
    /// The status the client sees, if there is one.
    #[must_use]
    pub fn status(&self) -> Option<u32> {
        match self {
            Self::Forwarded { response, .. } => response.text(":status")?.parse().ok(),
            Self::Replied { status, .. } => Some(*status),
            Self::Failed503 => Some(503),
            Self::Closed | Self::Waits => None,
        }
    }

    /// `%RESPONSE_CODE_DETAILS%` of a reply.
    #[must_use]
    pub fn details(&self) -> &str {
        match self {
            Self::Replied { details, .. } => details,
            Self::Failed503 => "wasm_fail_stream",
            Self::Closed => "wasm_close_stream",
            Self::Forwarded { .. } | Self::Waits => "",
        }
    }

    /// What the upstream received, if it received anything.
    #[must_use]
    pub fn upstream(&self) -> Option<&Headers> {
        match self {
            Self::Forwarded { headers, .. } => Some(headers),
            _ => None,
        }
    }
}
