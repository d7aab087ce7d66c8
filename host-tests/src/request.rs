//! One request through one VM, in Envoy's order, and what the client gets.
//!
//! No bodies, no trailers, no other filters: a request is its headers and ends with them; the upstream answers 200.

use std::net::{IpAddr, SocketAddr};

use crate::guest::{LocalReply, Phase, Stream};
use crate::headers::Headers;
use crate::vm::{Called, Exchange, Vm};

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
    fn map(&self, request_id: &str) -> Headers {
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

/// What the client or the upstream gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request went on to the router.
    Forwarded {
        /// What the upstream receives.
        headers: Headers,
        /// What the client receives: the upstream's headers after the filter's response phase.
        response: Headers,
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
    /// The filter paused the stream and nothing will wake it.
    Hung,
}

impl Outcome {
    /// The status the client sees, if there is one.
    #[must_use]
    pub fn status(&self) -> Option<u32> {
        match self {
            Self::Forwarded { response, .. } => response.text(":status")?.parse().ok(),
            Self::Replied { status, .. } => Some(*status),
            Self::Failed503 => Some(503),
            Self::Closed | Self::Hung => None,
        }
    }

    /// `%RESPONSE_CODE_DETAILS%` of a reply.
    #[must_use]
    pub fn details(&self) -> &str {
        match self {
            Self::Replied { details, .. } => details,
            Self::Failed503 => "wasm_fail_stream",
            Self::Closed => "wasm_close_stream",
            Self::Forwarded { .. } | Self::Hung => "",
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

impl Vm {
    /// Runs one request to its end.
    pub(crate) fn serve(&mut self, root: u32, request: &Request) -> Outcome {
        self.exchange = Exchange::default();
        self.guest().host_calls.clear();
        if self.failed() {
            return Outcome::Failed503;
        }
        let id = self.open(root, request);
        let outcome = self.run(root, id);
        let stream = self.guest().streams.remove(&id).unwrap_or_default();
        self.exchange.filter_state = stream.filter_state;
        self.exchange.route_cleared = stream.route_cleared;
        self.exchange.host_calls = self.guest().host_calls.clone();
        outcome
    }

    fn open(&mut self, root: u32, request: &Request) -> u32 {
        let guest = self.guest();
        let id = guest.new_context();
        let (connection, time_ns) = {
            let mut world = guest.world();
            world.last_connection += 1;
            (world.last_connection, world.now_ns)
        };
        let given = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-request-id"));
        let request_id = match given {
            Some((_, value)) => String::from_utf8_lossy(value).into_owned(),
            None => format!("00000000-0000-4000-8000-{connection:012x}"),
        };
        let map = request.map(&request_id);
        let source = request.from.clone();
        let stream = Stream { root, request: map, source, connection, request_id, time_ns, ..Stream::default() };
        guest.streams.insert(id, stream);
        id
    }

    fn run(&mut self, root: u32, id: u32) -> Outcome {
        self.call(id, "context_create", &[id, root]);
        let count = self.enter_phase(id, Phase::Request);
        let called = self.call(id, "request_headers", &[id, count, 1]);
        let outcome = match self.stop(id, called) {
            Some(stopped) => stopped,
            None => self.forward(id),
        };
        if outcome == Outcome::Failed503 {
            return outcome;
        }
        self.enter_phase(id, Phase::Log);
        self.call(id, "log", &[id]);
        self.enter_phase(id, Phase::Over);
        self.call(id, "done", &[id]);
        self.call(id, "delete", &[id]);
        outcome
    }

    /// What a callback that returned `called` ends the phase with; `None` is going on.
    fn stop(&mut self, id: u32, called: Called) -> Option<Outcome> {
        let Some(stream) = self.guest().streams.get_mut(&id) else { return Some(Outcome::Failed503) };
        let paused = matches!(called, Called::Returned(action) if action != 0);
        let reply = stream.reply.take();
        let (closed, continued) = (stream.closed, stream.continued);
        stream.request_stopped |= paused || reply.is_some();
        match (called, reply) {
            (Called::Trapped, _) => Some(Outcome::Failed503),
            (_, Some(reply)) => Some(self.answer_locally(id, &reply)),
            _ if closed => Some(Outcome::Closed),
            _ if paused && !continued => Some(Outcome::Hung),
            _ => None,
        }
    }

    fn forward(&mut self, id: u32) -> Outcome {
        let headers = self.guest().streams.get(&id).map(|stream| stream.request.clone()).unwrap_or_default();
        if headers.breaks_lines() {
            let details = "invalid_header_value".to_owned();
            let reply = LocalReply { status: 503, details, body: Vec::new(), headers: Vec::new(), grpc_status: -1 };
            return self.answer_locally(id, &reply);
        }
        match self.respond(id, [(":status", "200")].into_iter().collect()) {
            Ok(response) => Outcome::Forwarded { headers, response },
            Err(instead) => instead,
        }
    }

    fn answer_locally(&mut self, id: u32, reply: &LocalReply) -> Outcome {
        let content_type = self.guest().streams.get(&id).and_then(|stream| stream.request.text("content-type"));
        let grpc = content_type.is_some_and(|value| is_grpc(&value));
        let grpc_status = grpc.then(|| grpc_status(reply));
        let headers = grpc_status.map_or_else(|| plain_headers(reply), |status| grpc_headers(reply, status));
        let status = if grpc { 200 } else { reply.status };
        match self.respond(id, headers) {
            Ok(headers) => {
                let (details, body) = (reply.details.clone(), reply.body.clone());
                Outcome::Replied { status, details, headers, body, grpc_status }
            }
            Err(instead) => instead,
        }
    }

    /// The response phase, which local replies pass through too; once replaced, a reply is not asked again.
    fn respond(&mut self, id: u32, headers: Headers) -> Result<Headers, Outcome> {
        let repeated = self.guest().streams.get(&id).is_none_or(|stream| stream.phase == Phase::Response);
        if repeated {
            return Ok(headers);
        }
        if let Some(stream) = self.guest().streams.get_mut(&id) {
            stream.response = headers;
        }
        let count = self.enter_phase(id, Phase::Response);
        let called = self.call(id, "response_headers", &[id, count, 0]);
        match self.stop(id, called) {
            Some(stopped) => Err(stopped),
            None => Ok(self.guest().streams.get(&id).map(|stream| stream.response.clone()).unwrap_or_default()),
        }
    }

    /// Opens the phase's maps; the number of headers the callback is told.
    fn enter_phase(&mut self, id: u32, phase: Phase) -> u32 {
        let Some(stream) = self.guest().streams.get_mut(&id) else { return 0 };
        stream.phase = phase;
        let map = if phase == Phase::Request { &stream.request } else { &stream.response };
        u32::try_from(map.len()).unwrap_or(u32::MAX)
    }
}

fn is_grpc(content_type: &str) -> bool {
    let rest = content_type.strip_prefix("application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']))
}

/// The filter's own status if it gave one, else Envoy's mapping, which knows no RESOURCE_EXHAUSTED.
fn grpc_status(reply: &LocalReply) -> u32 {
    match (u32::try_from(reply.grpc_status), reply.status) {
        (Ok(given), _) if given <= 16 => given,
        (_, 400) => 13,
        (_, 401) => 16,
        (_, 403) => 7,
        (_, 404) => 12,
        (_, 429 | 502 | 503 | 504) => 14,
        _ => 2,
    }
}

fn plain_headers(reply: &LocalReply) -> Headers {
    let mut headers: Headers = [(":status", reply.status.to_string())].into_iter().collect();
    reply.headers.iter().for_each(|(name, value)| headers.add(name, value));
    if reply.body.is_empty() {
        headers.remove(b"content-length");
        headers.remove(b"content-type");
    } else {
        headers.replace(b"content-length", reply.body.len().to_string().as_bytes());
        if headers.get("content-type").is_none() {
            headers.add("content-type", "text/plain");
        }
    }
    headers
}

fn grpc_headers(reply: &LocalReply, status: u32) -> Headers {
    let mut headers: Headers = [(":status", "200"), ("content-type", "application/grpc")].into_iter().collect();
    headers.add("grpc-status", status.to_string());
    if !reply.body.is_empty() {
        headers.add("grpc-message", &reply.body);
    }
    reply.headers.iter().for_each(|(name, value)| headers.add(name, value));
    headers.remove(b"content-length");
    headers
}
