//! Closed-loop load: each connection sends its next request when it has the last answer.
//!
//! Every request is made before the clock starts. Invariant: an answer that is not 200 ends the bench.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::http::Connection;

const CONNECTIONS: usize = 8;

/// Held connections to one Envoy.
pub(super) struct Load {
    connections: Vec<Connection>,
}

impl Load {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(address).await?);
        }
        Ok(Self { connections })
    }

    /// Sends `count` requests, all of `requests` in turn.
    pub(super) async fn run(&mut self, requests: &Arc<Vec<Vec<u8>>>, count: usize) -> anyhow::Result<()> {
        let mut clients = JoinSet::new();
        for (index, connection) in self.connections.drain(..).enumerate() {
            clients.spawn(client(connection, index, Arc::clone(requests), count));
        }
        while let Some(connection) = clients.join_next().await {
            self.connections.push(connection??);
        }
        Ok(())
    }
}

async fn client(
    mut connection: Connection,
    index: usize,
    requests: Arc<Vec<Vec<u8>>>,
    count: usize,
) -> anyhow::Result<Connection> {
    for request in requests.iter().cycle().take(count).skip(index).step_by(CONNECTIONS) {
        let answer = connection.exchange(request, false).await?;
        anyhow::ensure!(answer.status == 200, "answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(connection)
}
