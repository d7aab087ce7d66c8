//! One request through one VM, in Envoy's order.
//!
//! No other filters: the route is always there. Invariant: whatever the guest does, the
//! stream ends in exactly one [`Outcome`] and its context is deleted, unless the VM is dead or the stream waits.

use crate::guest::{LocalReply, Phase, Stream};
use crate::headers::Headers;
use crate::request::{Outcome, Request, Upstream};
use crate::vm::{Called, Exchange, Vm};

impl Vm {
    /// Runs one request to its end, with an upstream that answers 200.
    pub(crate) fn serve(&mut self, root: u32, request: &Request) -> Outcome {
        match self.send(root, request) {
            Ok(id) => self.receive(id, &Upstream::default()),
            Err(outcome) => outcome,
        }
    }

    /// Runs one request as far as its upstream: its stream, or what became of it.
    pub(crate) fn send(&mut self, root: u32, request: &Request) -> Result<u32, Outcome> {
        self.exchange = Exchange::default();
        self.guest().host_calls.clear();
        if self.failed() {
            return Err(Outcome::Failed503);
        }
        let id = self.open(root, request);
        match self.ask(root, id) {
            None => Ok(id),
            Some(outcome) => Err(self.over(id, outcome)),
        }
    }

    /// Runs the rest of a request whose upstream answers.
    pub(crate) fn receive(&mut self, id: u32, upstream: &Upstream) -> Outcome {
        let outcome = self.forward(id, upstream);
        self.over(id, outcome)
    }

    fn over(&mut self, id: u32, outcome: Outcome) -> Outcome {
        if outcome == Outcome::Waits {
            self.waiting.push(id);
            return outcome;
        }
        if outcome != Outcome::Failed503 {
            self.end(id);
        }
        self.finish(id);
        outcome
    }

    /// Runs those that waited and were woken to their ends.
    pub(crate) fn woken(&mut self) -> Vec<Outcome> {
        let mut woken = Vec::new();
        for id in std::mem::take(&mut self.waiting) {
            let Some(stream) = self.guest().streams.get_mut(&id) else { continue };
            let (continued, reply) = (stream.continued, stream.reply.take());
            let outcome = match reply {
                Some(reply) => self.answer_locally(id, &reply),
                None if continued => self.forward(id, &Upstream::default()),
                None => {
                    self.waiting.push(id);
                    continue;
                }
            };
            self.end(id);
            self.finish(id);
            woken.push(outcome);
        }
        woken
    }

    /// Clients that waited hang up. Their contexts stay for a moment, as in Envoy.
    pub(crate) fn hang_up(&mut self) {
        for id in std::mem::take(&mut self.waiting) {
            self.guest().streams.get_mut(&id).into_iter().for_each(|stream| stream.complete = true);
        }
    }

    fn finish(&mut self, id: u32) {
        let stream = self.guest().streams.remove(&id).unwrap_or_default();
        self.exchange.request = stream.request;
        self.exchange.filter_state = stream.filter_state;
        self.exchange.route_cleared = stream.route_cleared;
        self.exchange.host_calls = self.guest().host_calls.clone();
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

    /// The request phase; `None` is going on to the upstream.
    fn ask(&mut self, root: u32, id: u32) -> Option<Outcome> {
        self.call(id, "context_create", &[id, root]);
        let count = self.enter_phase(id, Phase::Request);
        let called = self.call(id, "request_headers", &[id, count, 1]);
        self.exchange.action = if let Called::Returned(action) = called { action } else { 0 };
        self.stop(id, called)
    }

    fn end(&mut self, id: u32) {
        self.enter_phase(id, Phase::Log);
        self.call(id, "log", &[id]);
        self.enter_phase(id, Phase::Over);
        self.call(id, "done", &[id]);
        self.call(id, "delete", &[id]);
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
            _ if paused && !continued => Some(Outcome::Waits),
            _ => None,
        }
    }

    fn forward(&mut self, id: u32, upstream: &Upstream) -> Outcome {
        let headers = self.guest().streams.get(&id).map(|stream| stream.request.clone()).unwrap_or_default();
        if headers.breaks_lines() {
            let details = "invalid_header_value".to_owned();
            let reply = LocalReply { status: 503, details, body: Vec::new(), headers: Vec::new(), grpc_status: -1 };
            return self.answer_locally(id, &reply);
        }
        let response = match self.respond(id, upstream.headers.clone()) {
            Ok(response) => response,
            Err(instead) => return instead,
        };
        match self.trail(id, upstream.trailers.clone()) {
            Ok(trailers) => Outcome::Forwarded { headers, response, trailers },
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
        let repeated =
            self.guest().streams.get(&id).is_none_or(|it| matches!(it.phase, Phase::Response | Phase::Trailers));
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

    /// The trailers' phase, if there are any.
    fn trail(&mut self, id: u32, trailers: Headers) -> Result<Headers, Outcome> {
        if trailers.is_empty() {
            return Ok(trailers);
        }
        if let Some(stream) = self.guest().streams.get_mut(&id) {
            stream.trailers = trailers;
        }
        let count = self.enter_phase(id, Phase::Trailers);
        let called = self.call(id, "response_trailers", &[id, count]);
        match self.stop(id, called) {
            Some(stopped) => Err(stopped),
            None => Ok(self.guest().streams.get(&id).map(|stream| stream.trailers.clone()).unwrap_or_default()),
        }
    }

    /// Opens the phase's maps; the number of headers the callback is told.
    fn enter_phase(&mut self, id: u32, phase: Phase) -> u32 {
        let Some(stream) = self.guest().streams.get_mut(&id) else { return 0 };
        stream.phase = phase;
        let map = match phase {
            Phase::Request => &stream.request,
            Phase::Trailers => &stream.trailers,
            _ => &stream.response,
        };
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

/// What the filter wanted, with what makes it a trailers-only gRPC response laid over it.
fn grpc_headers(reply: &LocalReply, status: u32) -> Headers {
    let mut headers = plain_headers(reply);
    headers.replace(b":status", b"200");
    headers.replace(b"content-type", b"application/grpc");
    headers.remove(b"content-length");
    if headers.get("grpc-status").is_none() {
        headers.add("grpc-status", status.to_string());
    }
    if !reply.body.is_empty() {
        headers.replace(b"grpc-message", &percent_encoded(&reply.body));
    }
    headers
}

/// As gRPC wants it: everything but visible ASCII, and `%` itself.
fn percent_encoded(text: &[u8]) -> Vec<u8> {
    let encoded = text.iter().flat_map(|byte| match byte {
        b' '..=b'~' if *byte != b'%' => vec![*byte],
        _ => format!("%{byte:02X}").into_bytes(),
    });
    encoded.collect()
}
