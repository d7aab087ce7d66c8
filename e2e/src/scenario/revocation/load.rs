//! Other clients with other keys, who must not notice anything.
//!
//! Paced: on a small machine an unpaced client would measure its own hunger.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::PATH;
use crate::control::Key;
use crate::http::{Connection, Request};

const CLIENTS: usize = 8;
const PAUSE: Duration = Duration::from_millis(3);

/// Load that runs until it is finished.
pub(super) struct Load {
    since: Instant,
    stop: Arc<AtomicBool>,
    clients: JoinSet<anyhow::Result<Tally>>,
}

/// What one client saw.
#[derive(Default)]
struct Tally {
    served: u32,
    refused: u32,
}

/// What all clients saw.
pub(super) struct Served {
    pub(super) per_second: f64,
    pub(super) refused: u32,
}

impl Load {
    pub(super) async fn start(edge: SocketAddr, keys: &[Key]) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let requests =
                keys.iter().skip(client).step_by(CLIENTS).map(|key| Request::get(PATH).bearer(&key.text).bytes());
            let connection = Connection::open(edge).await?;
            clients.spawn(run(connection, requests.collect(), Arc::clone(&stop)));
        }
        Ok(Self { since: Instant::now(), stop, clients })
    }

    pub(super) async fn finish(mut self) -> anyhow::Result<Served> {
        self.stop.store(true, Ordering::Relaxed);
        let mut total = Tally::default();
        while let Some(tally) = self.clients.join_next().await {
            let tally = tally??;
            total.served += tally.served;
            total.refused += tally.refused;
        }
        Ok(Served { per_second: f64::from(total.served) / self.since.elapsed().as_secs_f64(), refused: total.refused })
    }
}

async fn run(mut connection: Connection, requests: Vec<Vec<u8>>, stop: Arc<AtomicBool>) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for request in requests.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let status = connection.exchange(request, false).await?.status;
        tally.served += 1;
        tally.refused += u32::from(status != 200);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(tally)
}
