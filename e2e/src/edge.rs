//! An edge as the control plane sees one: on a connection of its own it waits for a manifest newer than the one it has.
//!
//! It verifies nothing and enforces nothing. Invariant: a manifest counts as told when all of its bytes are there.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;

use crate::http::{Connection, Request};

/// Seconds; the client gives up after 20.
const WAIT: u32 = 15;

/// An edge with a version.
pub(crate) struct Edge {
    connection: Connection,
    token: String,
    version: u64,
}

/// A signed manifest, and when all of it was there.
pub(crate) struct Told {
    pub(crate) version: u64,
    pub(crate) at: Instant,
    pub(crate) body: Vec<u8>,
}

impl Edge {
    /// One that has nothing yet.
    pub(crate) async fn open(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        Ok(Self { connection: Connection::open(address).await?, token: token.to_owned(), version: 0 })
    }

    /// Waits for a newer manifest than it has, as often as it takes.
    pub(crate) async fn newer(&mut self) -> anyhow::Result<Told> {
        let version = self.version;
        loop {
            let told = self.poll().await?;
            if told.version > version {
                return Ok(told);
            }
        }
    }

    /// The manifest that there is, whichever it has.
    pub(crate) async fn latest(&mut self) -> anyhow::Result<Told> {
        self.version = 0;
        self.newer().await
    }

    async fn poll(&mut self) -> anyhow::Result<Told> {
        let body = self.get(&format!("/edge/v1/manifest?since={}&wait={WAIT}", self.version)).await?;
        let at = Instant::now();
        self.version = version(&body).context("a manifest without a version")?;
        Ok(Told { version: self.version, at, body })
    }

    /// What stands there.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        let answer = self.connection.send(&Request::get(path).bearer(&self.token)).await?;
        anyhow::ensure!(answer.status == 200, "{path} answered {}", answer.gist());
        Ok(answer.body)
    }
}

/// The version, without reading all of the JSON: that would take the machine longer than what is measured.
fn version(manifest: &[u8]) -> Option<u64> {
    let head = String::from_utf8_lossy(manifest.get(..512.min(manifest.len()))?).into_owned();
    let (_, rest) = head.split_once("\"version\":")?;
    rest.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

/// What a signed manifest says: it is a line with the signature, and JSON.
pub(crate) fn manifest(signed: &[u8]) -> anyhow::Result<Value> {
    let text = std::str::from_utf8(signed).context("a manifest that is not text")?;
    let (signature, json) = text.split_once('\n').context("a manifest without a signature")?;
    anyhow::ensure!(signature.starts_with("portcullis-manifest-v1 "), "a manifest of another kind: {signature}");
    serde_json::from_str(json).context("a manifest that is not JSON")
}
