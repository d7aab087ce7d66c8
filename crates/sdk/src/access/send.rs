//! Sending a request with the token, and once more with a new one when the API says that the old one is not good.
//!
//! Where it goes is the caller's choice. Invariant: a body that cannot be sent twice is sent once, and no token is
//! given up that was asked for a moment ago.

use reqwest::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode};

use super::error::SendError;
use super::source::TokenSource;
use super::token::AccessToken;

impl TokenSource {
    /// Sends a request with the current token. One that is answered 401 with `error="invalid_token"` is sent once more with
    /// a new token, unless its body is a stream, which is used up, or its token was asked for less than 5 s ago: another
    /// would be refused as well.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, SendError> {
        let again = request.try_clone();
        let token = self.token().await?;
        let response = with(request, &token).send().await?;
        if !refuses_token(&response) {
            return Ok(response);
        }
        let is_worth_it = self.invalidate(&token);
        match again.filter(|_| is_worth_it) {
            Some(request) => Ok(with(request, &self.token().await?).send().await?),
            None => Ok(response),
        }
    }
}

/// Whether an answer says that the access token is not, or no longer, good (RFC 6750 §3.1).
pub fn refuses_token(response: &Response) -> bool {
    let challenges = response.headers().get_all(WWW_AUTHENTICATE);
    response.status() == StatusCode::UNAUTHORIZED && challenges.iter().any(|it| it.to_str().is_ok_and(says_invalid))
}

fn says_invalid(challenge: &str) -> bool {
    let parameters = challenge.split(|it: char| it == ',' || it.is_ascii_whitespace());
    let mut values = parameters.filter_map(|it| it.split_once('='));
    values.any(|(name, value)| name.eq_ignore_ascii_case("error") && value.trim_matches('"') == "invalid_token")
}

/// In place of whatever authorisation there was.
fn with(request: RequestBuilder, token: &AccessToken) -> RequestBuilder {
    request.headers(HeaderMap::from_iter([(AUTHORIZATION, token.header())]))
}
