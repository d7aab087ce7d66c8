//! Where access tokens come from: the one that is good, its successor in time, one exchange for all who ask.
//!
//! It does not know what tokens are used for. Invariant: the exchange is a task of its own, so that a caller that is dropped
//! leaves nobody without an answer.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::builder::TokenSourceBuilder;
use super::clock::Clock;
use super::credentials::Credentials;
use super::error::TokenError;
use super::exchange::{Exchanged, exchange};
use super::memory::{Look, Memory};
use super::plan::Plan;
use super::token::AccessToken;

/// How often a caller joins an exchange that breaks off, as it does when the runtime that carries it out ends.
const JOINED: usize = 3;

/// Exchanges credentials for access tokens, keeps the token and renews it before it expires. Cheap to clone: one for a
/// process is enough. It needs a Tokio runtime.
///
/// ```no_run
/// # async fn call() -> Result<(), Box<dyn std::error::Error>> {
/// use portcullis_sdk::{Credentials, TokenSource};
/// let source = TokenSource::new(Credentials::from_env()?)?;
/// let http = reqwest::Client::new();
/// let answer = source.send(http.get("https://api.example.com/v1/orders")).await?;
/// # Ok(()) }
/// ```
///
/// Without the default features of reqwest make it before a client of your own: it installs ring as what TLS is done with, and
/// without any such provider making a client panics.
#[derive(Clone)]
pub struct TokenSource(Arc<Inner>);

struct Inner {
    plan: Plan,
    http: reqwest::Client,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    memory: Memory,
    flight: Option<Flight>,
}

/// What waits for an exchange; `None` as long as it goes on.
type Flight = watch::Receiver<Option<Result<AccessToken, TokenError>>>;

impl TokenSource {
    /// Tokens with all of the key's scopes.
    pub fn new(credentials: Credentials) -> Result<Self, TokenError> {
        Self::builder(credentials).build()
    }

    /// The same with choices.
    pub fn builder(credentials: Credentials) -> TokenSourceBuilder {
        TokenSourceBuilder::new(credentials)
    }

    pub(crate) fn assemble(plan: Plan, http: reqwest::Client, clock: Clock, memory: Memory) -> Self {
        let state = Mutex::new(State { memory, flight: None });
        Self(Arc::new(Inner { plan, http, clock, state }))
    }

    /// A token that is good now.
    pub async fn token(&self) -> Result<AccessToken, TokenError> {
        for _ in 0..JOINED {
            let mut flight = match self.look() {
                Ok(token) => return token,
                Err(flight) => flight,
            };
            if let Ok(landed) = flight.wait_for(Option::is_some).await
                && let Some(result) = landed.as_ref()
            {
                return result.clone();
            }
        }
        Err(TokenError::Unavailable { cause: "the exchange broke off".to_owned(), retry_after: None })
    }

    /// Forgets a token that the API refused as invalid; says whether to try again with [`Self::token`]. One that was asked
    /// for less than 5 s ago is kept: another would be refused as well. One that was replaced meanwhile changes nothing: its
    /// successor is worth a try.
    pub fn invalidate(&self, token: &AccessToken) -> bool {
        self.0.state().memory.invalidate(token, self.0.clock.now())
    }

    #[cfg(test)]
    pub(crate) fn is_exchanging(&self) -> bool {
        self.0.state().flight.is_some()
    }

    /// What there is now, or what to wait for.
    fn look(&self) -> Result<Result<AccessToken, TokenError>, Flight> {
        let mut state = self.0.state();
        match state.memory.look(self.0.clock.now()) {
            Look::Good { token, renew } => {
                if renew {
                    self.join(&mut state);
                }
                Ok(Ok(token))
            }
            Look::Failed(error) => Ok(Err(error)),
            Look::Nothing => Err(self.join(&mut state)),
        }
    }

    /// The exchange in flight, begun now if there is none.
    fn join(&self, state: &mut State) -> Flight {
        let flight = state.flight.take().filter(|flight| flight.has_changed().is_ok());
        let flight = flight.unwrap_or_else(|| self.begin());
        state.flight.insert(flight).clone()
    }

    fn begin(&self) -> Flight {
        let (sender, flight) = watch::channel(None);
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let result = exchange(&inner.plan, &inner.http, &inner.clock).await;
            sender.send_replace(Some(inner.land(result)));
        });
        flight
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers how it went before anybody is told.
    fn land(&self, result: Exchanged) -> Result<AccessToken, TokenError> {
        let mut state = self.state();
        state.flight = None;
        match result {
            Ok((minted, asked_at)) => {
                state.memory.store(&minted, asked_at);
                Ok(minted.token)
            }
            Err(failure) => {
                state.memory.fail(&failure, self.clock.now());
                Err(failure.error)
            }
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenSource").field(&self.0.plan.url.as_str()).finish()
    }
}
