//! A rate limit service as Envoy asks one (`envoy.service.ratelimit.v3.RateLimitService`), as small as it gets: each
//! descriptor may pass so many times, ever.
//!
//! It stands in for a real one, which counts over time and keeps its counts elsewhere. Invariant: a descriptor is counted
//! and judged in one step, whoever asks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Request, Response};
use h2::RecvStream;
use h2::server::SendResponse;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

const OK: i32 = 1;
const OVER_LIMIT: i32 = 2;

/// A service that runs in this process until it is dropped.
#[derive(Debug)]
pub(crate) struct Counter {
    task: JoinHandle<()>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    limit: u64,
    asked: Mutex<BTreeMap<String, u64>>,
}

#[derive(Clone, PartialEq, Message)]
struct ShouldRateLimit {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(message, repeated, tag = "2")]
    descriptors: Vec<Descriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct Descriptor {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Verdict {
    #[prost(int32, tag = "1")]
    overall_code: i32,
}

impl Counter {
    /// Lets each descriptor pass `limit` times.
    pub(crate) async fn start(address: SocketAddr, limit: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let counts = Arc::new(Counts { limit, asked: Mutex::default() });
        let task = tokio::spawn(accept(listener, Arc::clone(&counts)));
        Ok(Self { task, counts })
    }

    /// How often each descriptor was asked for.
    pub(crate) fn asked(&self) -> BTreeMap<String, u64> {
        self.counts.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Counts {
    /// A request passes if each of its descriptors does.
    fn judge(&self, request: &ShouldRateLimit) -> Verdict {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut overall_code = OK;
        for descriptor in &request.descriptors {
            let entries: Vec<_> = descriptor.entries.iter().map(|it| format!("{}={}", it.key, it.value)).collect();
            let count = asked.entry(format!("{}/{}", request.domain, entries.join(","))).or_default();
            *count += 1;
            if *count > self.limit {
                overall_code = OVER_LIMIT;
            }
        }
        Verdict { overall_code }
    }
}

/// Connections end with the service.
async fn accept(listener: TcpListener, counts: Arc<Counts>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let counts = Arc::clone(&counts);
        connections.spawn(async move {
            if let Err(error) = serve(stream, &counts).await {
                eprintln!("the rate limit service: {error:#}");
            }
        });
    }
}

/// One connection, as gRPC over HTTP/2 has it: a message of five bytes more each way, and a status behind it.
async fn serve(stream: TcpStream, counts: &Arc<Counts>) -> anyhow::Result<()> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(stream) = connection.accept().await {
        let (request, respond) = stream?;
        let counts = Arc::clone(counts);
        tokio::spawn(async move {
            if let Err(error) = answer(request, respond, &counts).await {
                eprintln!("the rate limit service: {error:#}");
            }
        });
    }
    Ok(())
}

async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, counts: &Counts) -> anyhow::Result<()> {
    let mut body = request.into_body();
    let mut message = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        message.extend_from_slice(&data);
    }
    let message = message.get(5..).context("not a gRPC message")?;
    let verdict = counts.judge(&ShouldRateLimit::decode(message)?).encode_to_vec();
    let length = u32::try_from(verdict.len())?.to_be_bytes();
    let head = Response::builder().header("content-type", "application/grpc").body(())?;
    let mut stream = respond.send_response(head, false)?;
    stream.send_data([&[0], length.as_slice(), &verdict].concat().into(), false)?;
    let status = HeaderMap::from_iter([("grpc-status".parse()?, HeaderValue::from_static("0"))]);
    Ok(stream.send_trailers(status)?)
}
