//! Access tokens: a key id and a secret are exchanged for them, and they are renewed before they expire.
//!
//! It verifies no token and knows nothing of what it is good for. Invariant: one exchange is in flight however many callers
//! there are, and no wall clock is read.

mod answer;
mod back_off;
mod builder;
mod clock;
mod credentials;
mod error;
mod exchange;
mod memory;
mod plan;
mod send;
mod source;
mod token;

#[cfg(test)]
mod tests;

pub use builder::TokenSourceBuilder;
pub use credentials::Credentials;
pub use error::{SendError, TokenError};
pub use send::refuses_token;
pub use source::TokenSource;
pub use token::AccessToken;
