//! How soon a revocation is published, and how soon every worker refuses the key.
//!
//! Both from the control API's answer to the revocation, when it is committed. Invariant: every worker has used the key before.

use std::time::{Duration, Instant};

use crate::control::{Control, Key};
use crate::edge::Edge;
use crate::http::{Connection, Request};
use crate::report::percentile;
use crate::wait;

const LIMIT: Duration = Duration::from_secs(30);

/// Milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    pub(super) published: Vec<f64>,
    pub(super) refused: Vec<f64>,
}

/// Revokes keys, one after another.
pub(super) async fn measure(
    control: &Control,
    mut edge: Edge,
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
        edge.latest().await?;
        let revoke = async {
            control.revoke(&key.id).await?;
            anyhow::Ok(Instant::now())
        };
        let (published, refused, answered) = tokio::try_join!(edge.newer(), refused(probes, &request), revoke)?;
        let ms = |at: Instant| at.saturating_duration_since(answered).as_secs_f64() * 1000.0;
        news.published.push(ms(published.at));
        news.refused.push(ms(refused));
    }
    Ok(news)
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
