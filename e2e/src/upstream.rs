//! The sample upstream: answers with what it was sent, so that a client sees what an upstream sees.
//!
//! It checks no key; that is the edge's work. `/plain` answers a fixed text. Invariant: an echo is counted before it is
//! answered, so that what a client saw is never more than what was counted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::ports;

mod service;

/// Which side of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Side {
    /// Real data.
    Live,
    /// Nothing real.
    Sandbox,
    /// A service outside, which wants a credential of its own.
    Service,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
            Self::Service => "service",
        }
    }
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
    arrivals: Arrivals,
}

/// Requests that arrived so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals {
    /// At the service outside: the credentials that are good, and what each is called. Without any, everybody is welcome.
    credentials: Arc<Mutex<BTreeMap<String, String>>>,
    counts: Arc<Mutex<BTreeMap<Arrival, u64>>>,
}

/// What is counted together: whose request, and to where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrival {
    /// As the edge told it.
    pub(crate) organization: String,
    pub(crate) key: String,
    pub(crate) path: String,
}

impl Running {
    pub(crate) async fn start(side: Side, address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let arrivals = Arrivals::default();
        let app = match side {
            Side::Service => service::app(arrivals.clone()),
            Side::Live | Side::Sandbox => {
                Router::new().route("/plain", get("ok\n")).fallback(echo).with_state((side, arrivals.clone()))
            }
        };
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                eprintln!("the upstream ended: {error}");
            }
        });
        Ok(Self { task, arrivals })
    }

    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }
}

impl Arrivals {
    /// From now on that credential is good, under that name.
    pub(crate) fn accept(&self, credential: &str, name: &str) {
        let mut credentials = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        credentials.insert(credential.to_owned(), name.to_owned());
    }

    /// What a credential is called; `None` if it is not good.
    fn name_of(&self, credential: &str) -> Option<String> {
        let credentials = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        credentials.get(credential).cloned().or_else(|| credentials.is_empty().then(|| "any".to_owned()))
    }

    /// Everything that was counted.
    pub(crate) fn all(&self) -> BTreeMap<Arrival, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests of an organisation's keys.
    pub(crate) fn of_organization(&self, id: &str) -> u64 {
        self.sum(|arrival| arrival.organization == id)
    }

    /// Requests with a key.
    pub(crate) fn of_key(&self, id: &str) -> u64 {
        self.sum(|arrival| arrival.key == id)
    }

    fn sum(&self, which: impl Fn(&Arrival) -> bool) -> u64 {
        self.all().iter().filter(|(arrival, _)| which(arrival)).map(|(_, count)| count).sum()
    }

    fn count(&self, request: &Request) {
        let told = |name: &str| text(request.headers(), name);
        let arrival = Arrival {
            organization: told("x-portcullis-org"),
            key: told("x-portcullis-key-id"),
            path: request.uri().path().to_owned(),
        };
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(arrival).or_default() += 1;
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn echo(State((side, arrivals)): State<(Side, Arrivals)>, request: Request) -> Json<Value> {
    arrivals.count(&request);
    let headers: Vec<(&str, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Json(json!({
        "side": side.name(),
        "method": request.method().as_str(),
        "path": request.uri().to_string(),
        "headers": headers,
    }))
}
