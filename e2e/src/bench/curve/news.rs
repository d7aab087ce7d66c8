//! How soon a revocation is published, and how soon every worker refuses the key.
//!
//! Both from the control API's answer to the revocation, when it is committed. Invariant: every worker has used the key before.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use crate::control::{Control, Key};
use crate::http::{Connection, Request};
use crate::report::percentile;
use crate::wait;

/// Seconds that a poll waits.
const WAIT: u32 = 10;
const LIMIT: Duration = Duration::from_secs(30);

/// Milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    pub(super) published: Vec<f64>,
    pub(super) refused: Vec<f64>,
}

/// Waits for manifests as an edge does.
pub(super) struct Waiting {
    connection: Connection,
    token: String,
    version: u64,
}

impl Waiting {
    pub(super) async fn start(control: &Control, token: String) -> anyhow::Result<Self> {
        Ok(Self { connection: Connection::open(control.address).await?, token, version: 0 })
    }

    /// When there was a manifest newer than the last one.
    async fn newer(&mut self) -> anyhow::Result<Instant> {
        loop {
            let path = format!("/edge/v1/manifest?since={}&wait={WAIT}", self.version);
            let answer = self.connection.send(&Request::get(&path).bearer(&self.token)).await?;
            let at = Instant::now();
            anyhow::ensure!(answer.status == 200, "a poll was answered {}", answer.gist());
            let version = version(&answer.body).context("a manifest without a version")?;
            if version > core::mem::replace(&mut self.version, version) {
                return Ok(at);
            }
        }
    }
}

/// The version of a signed manifest: a line of its own, then JSON.
fn version(manifest: &[u8]) -> Option<u64> {
    let json = manifest.split(|byte| *byte == b'\n').nth(1)?;
    serde_json::from_slice::<Value>(json).ok()?["version"].as_u64()
}

/// Revokes keys, one after another.
pub(super) async fn measure(
    control: &Control,
    mut waiting: Waiting,
    probes: &mut [Connection],
    path: &str,
    keys: &[Key],
) -> anyhow::Result<News> {
    let mut news = News::default();
    for key in keys {
        let request = Request::get(path).bearer(&key.text);
        for probe in probes.iter_mut() {
            let answer = probe.send(&request).await?;
            anyhow::ensure!(answer.status == 200, "a key that was not revoked got {}", answer.gist());
        }
        // Whatever was published before.
        waiting.version = latest(&mut waiting).await?;
        let revoke = async {
            control.revoke(&key.id).await?;
            anyhow::Ok(Instant::now())
        };
        let (published, refused, answered) = tokio::try_join!(waiting.newer(), refused(probes, &request), revoke)?;
        let ms = |at: Instant| at.saturating_duration_since(answered).as_secs_f64() * 1000.0;
        news.published.push(ms(published));
        news.refused.push(ms(refused));
    }
    Ok(news)
}

async fn latest(waiting: &mut Waiting) -> anyhow::Result<u64> {
    waiting.version = 0;
    waiting.newer().await?;
    Ok(waiting.version)
}

/// When the last worker refused.
async fn refused(probes: &mut [Connection], request: &Request) -> anyhow::Result<Instant> {
    for probe in probes.iter_mut() {
        wait::until("a revocation", LIMIT, async || Ok((probe.send(request).await?.status == 401).then_some(())))
            .await?;
    }
    Ok(Instant::now())
}

/// The value below which that share lies, if there is any.
pub(super) fn part(sample: &[f64], share: f64) -> Option<f64> {
    (!sample.is_empty()).then(|| percentile(sample, share))
}
