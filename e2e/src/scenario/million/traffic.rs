//! Steady requests with good keys, at the same pace however long answers take.
//!
//! What a request waited counts from when it was due, so that a stall counts for everybody who would have come
//! meanwhile; beside it stands what it waited since it was sent, which leaves out what the sender itself was late.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Key, request};
use crate::http::Connection;
use crate::report::percentile;

/// Requests a second on each connection.
const PACE: u32 = 50;

/// Requests that come until they are stopped.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    clients: JoinSet<anyhow::Result<Vec<Sample>>>,
}

/// One request.
#[derive(Clone, Copy, Debug)]
struct Sample {
    due: Instant,
    since_due: Duration,
    since_sent: Duration,
    status: u16,
}

/// All requests, when it is over.
pub(super) struct Record(Vec<Sample>);

/// What those had to wait that were due within some time, in ms.
pub(super) struct Waits {
    pub(super) since_due: Vec<f64>,
    pub(super) since_sent: Vec<f64>,
}

impl Traffic {
    /// Each connection sends with keys of its own.
    pub(super) fn start(connections: Vec<Connection>, keys: &[Key]) -> Self {
        let (stop, begin, count) = (Arc::new(AtomicBool::new(false)), Instant::now(), connections.len());
        let mut clients = JoinSet::new();
        for (index, connection) in connections.into_iter().enumerate() {
            let own = keys.iter().skip(index).step_by(count);
            let requests: Vec<Vec<u8>> = own.map(|key| request(key).bytes()).collect();
            let first = begin + Duration::from_secs(1) / PACE * index as u32 / count as u32;
            clients.spawn(client(connection, requests, first, Arc::clone(&stop)));
        }
        Self { stop, clients }
    }

    /// Ends it.
    pub(super) async fn finish(mut self) -> anyhow::Result<Record> {
        self.stop.store(true, Ordering::Relaxed);
        let mut samples = Vec::new();
        while let Some(client) = self.clients.join_next().await {
            samples.extend(client??);
        }
        Ok(Record(samples))
    }
}

impl Record {
    /// Requests that were not let through.
    pub(super) fn refused(&self) -> usize {
        self.0.iter().filter(|sample| sample.status != 200).count()
    }

    /// What requests waited that were due in one of those spans.
    pub(super) fn within(&self, spans: &[(Instant, Instant)]) -> Waits {
        let is_in = |sample: &&Sample| spans.iter().any(|(from, to)| (*from..*to).contains(&sample.due));
        let of = |wait: fn(&Sample) -> Duration| {
            self.0.iter().filter(is_in).map(|sample| wait(sample).as_secs_f64() * 1000.0).collect()
        };
        Waits { since_due: of(|it| it.since_due), since_sent: of(|it| it.since_sent) }
    }
}

impl Waits {
    /// The figures that matter: median, 99th and 99.9th percentile, maximum.
    pub(super) fn summary(of: &[f64]) -> [f64; 4] {
        [0.5, 0.99, 0.999, 1.0].map(|share| percentile(of, share))
    }
}

async fn client(
    mut connection: Connection,
    requests: Vec<Vec<u8>>,
    first: Instant,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Sample>> {
    let (mut samples, mut due) = (Vec::new(), first);
    for request in requests.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        let sent = Instant::now();
        let status = connection.exchange(request, false).await?.status;
        samples.push(Sample { due, since_due: due.elapsed(), since_sent: sent.elapsed(), status });
        due += Duration::from_secs(1) / PACE;
    }
    Ok(samples)
}
