//! The sample upstream: answers with what it was sent, so that a client sees what an upstream sees.
//!
//! It checks no key; that is the edge's work. `/plain` answers a fixed text.

use std::net::SocketAddr;
use std::process::ExitCode;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::ports;

/// Which side of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Side {
    /// Real data.
    Live,
    /// Nothing real.
    Sandbox,
}

/// `portcullis-e2e upstream`.
#[derive(Debug, clap::Args)]
pub(crate) struct Upstream {
    /// Which side to be.
    #[arg(long, value_enum, default_value = "live")]
    side: Side,
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 8081)]
    port: u16,
}

impl Upstream {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        println!("upstream ({:?}) on http://{}", self.side, ports::local(self.port));
        let mut running = Running::start(self.side, ports::local(self.port)).await?;
        (&mut running.task).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// An upstream served by this process; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(side: Side, address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let app = Router::new().route("/plain", get("ok\n")).fallback(echo).with_state(side);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                eprintln!("the upstream ended: {error}");
            }
        });
        Ok(Self { task })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn echo(State(side): State<Side>, request: Request) -> Json<Value> {
    let headers: Vec<(&str, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Json(json!({
        "side": if side == Side::Live { "live" } else { "sandbox" },
        "method": request.method().as_str(),
        "path": request.uri().to_string(),
        "headers": headers,
    }))
}
