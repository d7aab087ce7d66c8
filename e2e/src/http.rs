//! A small HTTP/1.1 client that sends exactly the bytes it is given.
//!
//! It follows no redirect, adds no header but `host`, pools nothing, and reads whatever answers come. Invariant: every
//! exchange ends within [`LIMIT`].

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

/// The longest that an exchange may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A request, as bytes.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: impl Into<Vec<u8>>) -> Self {
        Self { method: method.to_owned(), target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn bearer(self, credential: &str) -> Self {
        self.header("authorization", format!("Bearer {credential}"))
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The request as it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\n"].concat();
        if !self.headers.iter().any(|(name, _)| name == "host") {
            bytes.extend_from_slice(b"host: edge.test\r\n");
        }
        for (name, value) in &self.headers {
            bytes.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH") {
            bytes.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// An answer. Header names are in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The stable code of an error body, in either shape.
    pub(crate) fn code(&self) -> Option<String> {
        let body = self.json();
        let code = body.pointer("/error/code").or_else(|| body.get("code"))?;
        code.as_str().map(str::to_owned)
    }

    /// Status and, for errors, code: what most checks are about.
    pub(crate) fn gist(&self) -> String {
        match self.code() {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        Self::open_from(address, None).await
    }

    /// Connects from a given address of this machine.
    pub(crate) async fn open_from(address: SocketAddr, from: Option<IpAddr>) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = from {
            socket.bind((from, 0).into()).with_context(|| format!("cannot send from {from}"))?;
        }
        let stream = tokio::time::timeout(LIMIT, socket.connect(address)).await?;
        let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(crate) async fn send(&mut self, request: &Request) -> anyhow::Result<Response> {
        self.exchange(&request.bytes(), request.method == "HEAD").await
    }

    /// Sends bytes and reads one answer.
    pub(crate) async fn exchange(&mut self, bytes: &[u8], head: bool) -> anyhow::Result<Response> {
        let work = async {
            self.stream.write_all(bytes).await?;
            self.read(head).await
        };
        tokio::time::timeout(LIMIT, work).await.context("no answer in time")?
    }

    async fn read(&mut self, head: bool) -> anyhow::Result<Response> {
        let status_line = self.line().await?;
        let status = status_line.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.with_context(|| format!("not an HTTP answer: `{status_line}`"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').context("a header without a colon")?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response { status, headers, body: Vec::new() };
        if !head && !matches!(status, 100..200 | 204 | 304) {
            response.body = self.body(&response).await?;
        }
        Ok(response)
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line).await?;
        anyhow::ensure!(read > 0, "the connection was closed without an answer");
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn body(&mut self, response: &Response) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        if response.header("transfer-encoding").is_some_and(|it| it.contains("chunked")) {
            loop {
                let size = usize::from_str_radix(self.line().await?.trim(), 16)?;
                let start = body.len();
                body.resize(start + size, 0);
                self.stream.read_exact(body.get_mut(start..).unwrap_or_default()).await?;
                self.line().await?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        match response.header("content-length") {
            Some(length) => {
                body.resize(length.parse()?, 0);
                self.stream.read_exact(&mut body).await?;
            }
            None => {
                self.stream.read_to_end(&mut body).await?;
            }
        }
        Ok(body)
    }
}

/// One request on a connection of its own.
pub(crate) async fn once(address: SocketAddr, request: &Request) -> anyhow::Result<Response> {
    Connection::open(address).await?.send(request).await
}
