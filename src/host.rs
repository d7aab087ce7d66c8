//! What the filter needs of its proxy: one trait, so that everything above it runs without one.
//!
//! Nothing here decides anything. Invariant: no method panics; a proxy that cannot do a thing says so in the result.

use core::fmt;
use core::net::IpAddr;

use portcullis_engine::{SecretValue, ip};

/// The proxy around the filter.
pub trait Host {
    /// Wall-clock time in nanoseconds since the Unix epoch.
    fn now_nanos(&self) -> u64;
    /// Writes a line to the proxy's log. Never holds a credential.
    fn log(&self, level: LogLevel, message: fmt::Arguments<'_>);
    /// Asks for ticks every so many milliseconds.
    fn set_tick_period(&self, milliseconds: u32);
    /// The plugin's configuration.
    fn configuration(&self) -> Option<Vec<u8>>;
    /// A variable of the environment that the proxy gives its VMs. Modules that do not look at answers are given none.
    fn environment(&self, name: &str) -> Option<Vec<u8>>;

    /// The request's headers in the ABI's pairs form, pseudo-headers included.
    fn request_headers(&self) -> Option<Vec<u8>>;
    /// The memory of [`request_headers`](Self::request_headers), which is done with.
    fn give_back(&self, headers: Vec<u8>) {
        drop(headers);
    }
    /// Adds a request header.
    fn add_request_header(&self, name: &str, value: &[u8]);
    /// Sets a request header, replacing what is there.
    fn replace_request_header(&self, name: &str, value: &[u8]);
    /// Removes every request header of that name.
    fn remove_request_header(&self, name: &[u8]);
    /// The client's address as the proxy trusts it: `ip:port`.
    fn source_address(&self) -> Option<Vec<u8>>;
    /// The same, read.
    fn source_ip(&self) -> Option<IpAddr> {
        self.source_address().as_deref().and_then(ip::parse_source_address)
    }
    /// Answers the request instead of its upstream.
    fn reply(&self, reply: &Reply);
    /// Makes a request that waits the one that is spoken of; not if it is gone.
    fn enter_stream(&self, stream: u32) -> bool;
    /// Lets a request that waited go on to the next filter.
    fn resume(&self);
    /// A field for the access log alone, under `wasm.` and its name.
    fn set_log_field(&self, name: &str, value: &[u8]);

    /// Whether answers come by here, so that [`guard`](Self::guard) does something.
    fn guards_answers(&self) -> bool;
    /// These must not come back in the answer to the request that is spoken of.
    fn guard(&self, masks: Vec<SecretValue>);
    /// The answer's headers or trailers in the ABI's pairs form.
    fn answer_headers(&self, part: AnswerPart) -> Option<Vec<u8>>;
    /// Adds one.
    fn add_answer_header(&self, part: AnswerPart, name: &[u8], value: &[u8]);
    /// Removes every one of that name.
    fn remove_answer_header(&self, part: AnswerPart, name: &[u8]);

    /// A value shared by all VMs of the process, and its compare-and-swap number.
    fn shared(&self, key: &str) -> Option<Shared>;
    /// Sets a shared value.
    fn set_shared(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), SharedConflict>;

    /// Starts a call to a cluster; its answer comes with the returned token.
    fn dispatch(&self, call: &Callout<'_>) -> Result<u32, DispatchFailed>;
    /// A header of the answer being delivered. Only valid if the answer has headers at all.
    fn callout_header(&self, name: &str) -> Option<Vec<u8>>;
    /// The body of the answer being delivered.
    fn callout_body(&self, size: usize) -> Option<Vec<u8>>;

    /// Defines a metric for this VM; expensive, once per VM.
    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<u32>;
    /// Adds to a counter.
    fn increment(&self, metric: u32, by: u32);
    /// Sets a gauge.
    fn set_gauge(&self, metric: u32, value: u64);
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerPart {
    /// Its headers.
    Headers,
    /// Its trailers.
    Trailers,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For whoever debugs the filter.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is off and was handled.
    Warn,
    /// Something is wrong that an operator must mend.
    Error,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A shared value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Its bytes; empty where it was emptied, since nothing is ever deleted.
    pub value: Vec<u8>,
    /// Changes with every write.
    pub cas: u32,
}

/// What a shared value must be for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Anything.
    Anything,
    /// Not there.
    Absent,
    /// Unchanged since it was read with that number.
    Unchanged(u32),
}

/// Another VM wrote first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedConflict;

/// The proxy would not start a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DispatchFailed;

/// A call to a cluster. Its `Debug` shows no header: the edge token stands there.
#[derive(Clone, Copy)]
pub struct Callout<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// Headers, pseudo-headers first.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty = none.
    pub body: &'a [u8],
    /// Milliseconds after which it counts as failed.
    pub timeout_ms: u32,
}

impl fmt::Debug for Callout<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callout").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

/// An answer to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u32,
    /// The grpc-status, for gRPC clients.
    pub grpc_status: Option<u32>,
    /// For the access log's response code details; no spaces.
    pub details: String,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}
