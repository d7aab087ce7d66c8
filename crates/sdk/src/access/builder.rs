//! How a token source is to behave, before there is one.
//!
//! Invariant: what it builds can be used: whatever is wrong is said here, before anything is sent.

use std::time::Duration;

use super::clock::Clock;
use super::credentials::Credentials;
use super::error::TokenError;
use super::memory::Memory;
use super::plan::Plan;
use super::source::TokenSource;
use crate::client::http_builder;

const TOKEN_REFRESH_BUFFER: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(30);
/// Longer ones could not be added to a clock's reading.
const LONGEST_DEADLINE: Duration = Duration::from_secs(86_400);

/// A token source to be.
#[derive(Clone, Debug)]
pub struct TokenSourceBuilder {
    credentials: Credentials,
    scopes: Vec<String>,
    resource: Option<String>,
    token_refresh_buffer: Duration,
    deadline: Duration,
    allow_plain_http: bool,
    clock: Clock,
}

impl TokenSourceBuilder {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            scopes: Vec::new(),
            resource: None,
            token_refresh_buffer: TOKEN_REFRESH_BUFFER,
            deadline: DEADLINE,
            allow_plain_http: false,
            clock: Clock::Monotonic,
        }
    }

    /// Only these of the key's scopes; none = all of them.
    #[must_use]
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The audience that the tokens are for (RFC 8707).
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// How long before its end a token is renewed, 60 s by default; half of its lifetime at most.
    #[must_use]
    pub fn token_refresh_buffer(mut self, buffer: Duration) -> Self {
        self.token_refresh_buffer = buffer;
        self
    }

    /// How long an exchange is tried, 30 s by default, a day at most.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(LONGEST_DEADLINE);
        self
    }

    /// Lets the secret go over plain HTTP to other machines than this one: only where nobody else can listen.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    #[cfg(test)]
    pub(crate) fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The token source. Connects to nothing yet.
    pub fn build(self) -> Result<TokenSource, TokenError> {
        let scope = self.scopes.join(" ");
        let mut fields = Vec::new();
        fields.extend(Some(("scope", scope.as_str())).filter(|_| !scope.is_empty()));
        fields.extend(self.resource.as_deref().map(|resource| ("resource", resource)));
        let plan = Plan::new(&self.credentials, &fields, self.deadline, self.allow_plain_http)?;
        // No idle connection is kept: the next exchange is minutes away, perhaps on another runtime.
        let http = http_builder(plan.url.scheme() == "https").pool_max_idle_per_host(0).build();
        let http = http.map_err(|error| TokenError::Client(crate::error::cause(&error)))?;
        Ok(TokenSource::assemble(plan, http, self.clock, Memory::new(self.token_refresh_buffer)))
    }
}
