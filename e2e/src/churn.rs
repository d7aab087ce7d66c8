//! Many clients that create and revoke keys at once, and remember what they were answered.
//!
//! They judge nothing. Invariant: a write whose answer never came is counted as lost, not as done or undone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use tokio::task::JoinSet;

use crate::control::Control;
use crate::http::{Connection, Request, Response};

mod verify;

pub(crate) use verify::Verified;

/// Keys that a client keeps before it revokes its oldest.
const KEPT: usize = 3;
/// Before another try at a control plane that is not there.
const PAUSE: Duration = Duration::from_millis(20);

/// Clients that write until they are told to finish.
#[derive(Debug)]
pub(crate) struct Churn {
    stop: Arc<AtomicBool>,
    since: Instant,
    clients: JoinSet<Answered>,
}

/// What became of a key, as far as answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Active,
    Revoked,
    /// It was to be revoked, and no answer came.
    Unknown,
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answered {
    pub(crate) keys: BTreeMap<String, State>,
    pub(crate) create_ms: Vec<f64>,
    pub(crate) revoke_ms: Vec<f64>,
    pub(crate) lost_creations: usize,
    pub(crate) lost_revocations: usize,
    /// Answers that say neither yes nor "later", and how often.
    pub(crate) refused: BTreeMap<String, usize>,
    /// Answers with 429.
    pub(crate) later: usize,
    pub(crate) seconds: f64,
}

struct Client {
    controls: Vec<Control>,
    /// Which of them it talks to.
    at: usize,
    connection: Option<Connection>,
    kept: VecDeque<String>,
    answered: Answered,
}

impl Churn {
    /// Starts that many clients, spread over the control planes. One whose control plane is gone turns to the next. Each
    /// has a token of its own, and with it a rate limit of its own.
    pub(crate) async fn start(controls: &[Control], clients: usize) -> anyhow::Result<Self> {
        let maker = controls.first().context("clients without a control plane")?;
        let mut tokens = Vec::with_capacity(clients);
        for _ in 0..clients {
            tokens.push(maker.service_token("churn", &["keys:write"]).await?);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        for (at, token) in tokens.iter().enumerate() {
            let client = Client {
                controls: controls.iter().map(|control| control.with_token(token)).collect(),
                at,
                connection: None,
                kept: VecDeque::new(),
                answered: Answered::default(),
            };
            set.spawn(client.run(Arc::clone(&stop)));
        }
        Ok(Self { stop, since: Instant::now(), clients: set })
    }

    /// Lets every client finish the write it is at, and adds up.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Answered> {
        self.stop.store(true, Ordering::Relaxed);
        let mut total = Answered::default();
        while let Some(answered) = self.clients.join_next().await {
            total.add(answered?);
        }
        total.seconds = self.since.elapsed().as_secs_f64();
        Ok(total)
    }
}

impl Answered {
    /// Puts two runs together.
    pub(crate) fn add(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.create_ms.extend(other.create_ms);
        self.revoke_ms.extend(other.revoke_ms);
        self.lost_creations += other.lost_creations;
        self.lost_revocations += other.lost_revocations;
        self.later += other.later;
        for (answer, count) in other.refused {
            *self.refused.entry(answer).or_default() += count;
        }
    }

    pub(crate) fn per_second(&self) -> f64 {
        (self.create_ms.len() + self.revoke_ms.len()) as f64 / self.seconds
    }
}

impl Client {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Answered {
        while !stop.load(Ordering::Relaxed) {
            let oldest = if self.kept.len() > KEPT { self.kept.pop_front() } else { None };
            match oldest {
                Some(id) => self.revoke(id).await,
                None => self.create().await,
            }
        }
        self.answered
    }

    async fn create(&mut self) {
        let body = json!({ "name": "churn", "environment": "production", "scopes": ["skills:read"] });
        let start = Instant::now();
        match self.send(|request| request.json(&body), "POST", "/v1/keys").await {
            Sent::Answer(answer) => {
                let Some(id) = answer.json()["id"].as_str().map(str::to_owned) else { return };
                self.answered.create_ms.push(start.elapsed().as_secs_f64() * 1000.0);
                self.answered.keys.insert(id.clone(), State::Active);
                self.kept.push_back(id);
            }
            Sent::Lost => self.answered.lost_creations += 1,
            Sent::Refused => {}
        }
    }

    async fn revoke(&mut self, id: String) {
        let start = Instant::now();
        match self.send(|request| request, "DELETE", &format!("/v1/keys/{id}")).await {
            Sent::Answer(_) => {
                self.answered.revoke_ms.push(start.elapsed().as_secs_f64() * 1000.0);
                self.answered.keys.insert(id, State::Revoked);
            }
            Sent::Lost => {
                self.answered.lost_revocations += 1;
                self.answered.keys.insert(id, State::Unknown);
            }
            Sent::Refused => self.kept.push_front(id),
        }
    }

    async fn send(&mut self, shape: impl Fn(Request) -> Request, method: &str, path: &str) -> Sent {
        let index = self.at % self.controls.len().max(1);
        let Some(control) = self.controls.get(index) else { return Sent::Refused };
        let request = shape(Request::new(method, path).bearer(&control.token));
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            // Nothing was sent: there is nothing to lose.
            None => match Connection::open(control.address).await {
                Ok(connection) => connection,
                Err(_) => return self.turn_away(PAUSE).await,
            },
        };
        let Ok(answer) = connection.send(&request).await else {
            self.at += 1;
            return Sent::Lost;
        };
        if answer.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        match answer.status {
            200..300 => return Sent::Answer(answer),
            429 => {
                self.answered.later += 1;
                let seconds = answer.header("retry-after").and_then(|it| it.parse().ok()).unwrap_or(1);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            _ => *self.answered.refused.entry(answer.gist()).or_default() += 1,
        }
        Sent::Refused
    }

    /// To the next control plane.
    async fn turn_away(&mut self, pause: Duration) -> Sent {
        self.at += 1;
        tokio::time::sleep(pause).await;
        Sent::Refused
    }
}

/// What became of a request.
enum Sent {
    Answer(Response),
    Lost,
    Refused,
}
