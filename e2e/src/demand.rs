//! Clients that go on asking, whatever becomes of the Envoys: who meets a dead one turns to the next.
//!
//! Each request is sent once and never again. Invariant: every request is in exactly one count: an answer, or lost.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::http::{Connection, Request};

/// Between two tries to find an Envoy that lives.
const PAUSE: Duration = Duration::from_millis(20);

/// What is asked, and how fast.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) edges: Vec<SocketAddr>,
    /// Each client sends these in turn.
    pub(crate) requests: Vec<Request>,
    pub(crate) clients: usize,
    /// In all, of all clients; `u64::MAX` = until it is told to end.
    pub(crate) count: u64,
    /// Between two requests of a client.
    pub(crate) pause: Duration,
}

/// What clients saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Answers, by request (its place in the plan) and gist.
    answers: BTreeMap<(usize, String), u64>,
    /// Requests that were sent and not answered.
    pub(crate) lost: u64,
}

/// A demand that is under way.
#[derive(Debug)]
pub(crate) struct Demand {
    clients: JoinSet<Seen>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    begun: AtomicU64,
    allowed: AtomicU64,
    unavailable: AtomicU64,
    stop: AtomicBool,
    /// Clients wait once that many were answered with 200.
    ceiling: watch::Sender<u64>,
}

impl Demand {
    pub(crate) fn start(plan: &Plan) -> Self {
        let shared = Arc::new(Shared { ceiling: watch::Sender::new(u64::MAX), ..Shared::default() });
        let mut clients = JoinSet::new();
        for index in 0..plan.clients {
            clients.spawn(client(index, plan.clone(), Arc::clone(&shared)));
        }
        Self { clients, shared }
    }

    /// Clients pause once that many were let through (and what was under way then), until a higher number is said.
    pub(crate) fn pause_at(&self, ceiling: u64) {
        self.shared.ceiling.send_replace(ceiling);
    }

    /// How many requests have begun.
    pub(crate) fn begun(&self) -> u64 {
        self.shared.begun.load(Ordering::Relaxed)
    }

    /// How many were answered with 503 so far.
    pub(crate) fn unavailable(&self) -> u64 {
        self.shared.unavailable.load(Ordering::Relaxed)
    }

    pub(crate) async fn stop(self) -> anyhow::Result<Seen> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.finish().await
    }

    /// Waits until everything was asked; nobody pauses any more.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Seen> {
        self.pause_at(u64::MAX);
        let mut seen = Seen::default();
        while let Some(one) = self.clients.join_next().await {
            seen.add(one?);
        }
        Ok(seen)
    }
}

impl Seen {
    /// Answers of that gist, to whichever request.
    pub(crate) fn of(&self, gist: &str) -> u64 {
        self.answers.iter().filter(|((_, it), _)| it == gist).map(|(_, count)| count).sum()
    }

    /// Answers of that gist to one of the plan's requests.
    pub(crate) fn to(&self, request: usize, gist: &str) -> u64 {
        self.answers.get(&(request, gist.to_owned())).copied().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> u64 {
        self.answers.values().sum::<u64>() + self.lost
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut gists = BTreeMap::<&str, u64>::new();
        for ((_, gist), count) in &self.answers {
            *gists.entry(gist).or_default() += count;
        }
        gists.iter().try_for_each(|(gist, count)| write!(f, "{count} x {gist}, "))?;
        write!(f, "{} lost", self.lost)
    }
}

impl Shared {
    /// Returns once another request may begin.
    async fn below_ceiling(&self) {
        let mut ceiling = self.ceiling.subscribe();
        // It can only fail if the sender is gone, and that is ours.
        let _ = ceiling.wait_for(|ceiling| self.allowed.load(Ordering::Relaxed) < *ceiling).await;
    }
}

async fn client(index: usize, plan: Plan, shared: Arc<Shared>) -> Seen {
    let mut seen = Seen::default();
    let mut at = index;
    let mut connection = None;
    // Clients begin with different requests, or all would ask the same at once.
    for (place, request) in plan.requests.iter().enumerate().cycle().skip(index % plan.requests.len().max(1)) {
        shared.below_ceiling().await;
        if shared.stop.load(Ordering::Relaxed) || shared.begun.fetch_add(1, Ordering::Relaxed) >= plan.count {
            return seen;
        }
        let Some(open) = connect(&mut connection, &plan.edges, &mut at, &shared).await else { return seen };
        match open.send(request).await {
            Ok(answer) => {
                shared.allowed.fetch_add(u64::from(answer.status == 200), Ordering::Relaxed);
                shared.unavailable.fetch_add(u64::from(answer.status == 503), Ordering::Relaxed);
                *seen.answers.entry((place, answer.gist())).or_default() += 1;
                if answer.header("connection") == Some("close") {
                    connection = None;
                }
            }
            Err(_) => {
                seen.lost += 1;
                at += 1;
                connection = None;
            }
        }
        tokio::time::sleep(plan.pause).await;
    }
    seen
}

/// The connection that is there, or one to the next Envoy that takes one; `None` once the demand is told to end.
async fn connect<'c>(
    held: &'c mut Option<Connection>,
    edges: &[SocketAddr],
    at: &mut usize,
    shared: &Shared,
) -> Option<&'c mut Connection> {
    while held.is_none() {
        let edge = *edges.get(*at % edges.len().max(1))?;
        match Connection::open(edge).await {
            Ok(open) => *held = Some(open),
            Err(_) if shared.stop.load(Ordering::Relaxed) => return None,
            Err(_) => {
                *at += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    held.as_mut()
}
