//! What is remembered between calls: the token, and what failed lately.
//!
//! No I/O, no lock: its owner has one. Invariant: a token is handed out only before it expires, by the monotonic clock from
//! before it was asked for.

use std::time::{Duration, Instant};

use super::answer::{Failure, Minted};
use super::error::TokenError;
use super::token::AccessToken;

/// After a renewal that failed: the old token is good, nobody waits.
const PAUSE: Duration = Duration::from_secs(5);
/// A token that is refused so soon is hardly at fault: the edge's clock is behind, or it has not heard of the credential.
/// Another would be refused as well, and an exchange for each request is more than the token endpoint answers.
const NEW_FOR: Duration = Duration::from_secs(5);

/// The memory of a token source.
#[derive(Debug)]
pub(crate) struct Memory {
    buffer: Duration,
    held: Option<Held>,
    failure: Option<(Instant, TokenError)>,
    quiet_until: Option<Instant>,
}

#[derive(Debug)]
struct Held {
    token: AccessToken,
    new_until: Instant,
    renew_at: Instant,
    expires_at: Instant,
}

/// What a caller gets now.
#[derive(Debug)]
pub(crate) enum Look {
    /// A token, perhaps one that is to be replaced soon.
    Good { token: AccessToken, renew: bool },
    /// What failed a moment ago.
    Failed(TokenError),
    /// Nothing: an exchange is due.
    Nothing,
}

impl Memory {
    pub(crate) fn new(token_refresh_buffer: Duration) -> Self {
        Self { buffer: token_refresh_buffer, held: None, failure: None, quiet_until: None }
    }

    pub(crate) fn look(&self, now: Instant) -> Look {
        let failure = self.failure.as_ref().filter(|(until, _)| now < *until).map(|(_, error)| error);
        if let Some(held) = self.held.as_ref().filter(|held| now < held.expires_at) {
            let is_quiet = failure.is_some() || self.quiet_until.is_some_and(|until| now < until);
            return Look::Good { token: held.token.clone(), renew: now >= held.renew_at && !is_quiet };
        }
        failure.map_or(Look::Nothing, |error| Look::Failed(error.clone()))
    }

    /// Remembers a token that was asked for then.
    pub(crate) fn store(&mut self, minted: &Minted, asked_at: Instant) {
        let lifetime = minted.lifetime;
        // Half of a short lifetime at most: a token is not renewed on each call.
        let renew_at = asked_at + lifetime.saturating_sub(self.buffer.min(lifetime / 2));
        // Once it has ended, a refusal is right.
        let new_until = asked_at + lifetime.min(NEW_FOR);
        let token = minted.token.clone();
        self.held = Some(Held { token, new_until, renew_at, expires_at: asked_at + lifetime });
        (self.failure, self.quiet_until) = (None, None);
    }

    /// Remembers that it failed.
    pub(crate) fn fail(&mut self, failure: &Failure, now: Instant) {
        self.failure = failure.remember_for.map(|it| (now + it, failure.error.clone()));
        self.quiet_until = Some(now + PAUSE);
    }

    /// Forgets a token that the API refused, unless it is new or was replaced; says whether to ask for another.
    pub(crate) fn invalidate(&mut self, token: &AccessToken, now: Instant) -> bool {
        let refused = self.held.as_ref().filter(|held| held.token.is(token));
        if refused.is_some_and(|held| now < held.new_until) {
            return false;
        }
        self.held.take_if(|held| held.token.is(token));
        true
    }
}
