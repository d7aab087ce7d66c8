//! One exchange, attempt after attempt.
//!
//! It remembers nothing. Invariant: it ends at its deadline with a token or a failure.

use std::time::{Duration, Instant};

use reqwest::Response;

use super::answer::{Failure, Minted, Reading, read};
use super::back_off::pause;
use super::clock::Clock;
use super::error::TokenError;
use super::plan::Plan;

const ATTEMPT: Duration = Duration::from_secs(10);
/// What a `Retry-After` can hold us back for at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const MAX_BYTES: usize = 64 * 1024;

/// A token, and when it was asked for.
pub(crate) type Exchanged = Result<(Minted, Instant), Failure>;

/// Tries until there is a token, a refusal, or no time left.
pub(crate) async fn exchange(plan: &Plan, http: &reqwest::Client, clock: &Clock) -> Exchanged {
    let until = clock.now() + plan.deadline;
    let mut attempts = 0;
    loop {
        let asked_at = clock.now();
        let (cause, after) = match attempt(plan, http, until - asked_at).await {
            Reading::Minted(minted) => return Ok((minted, asked_at)),
            Reading::Failed(failure) => return Err(failure),
            Reading::Again { cause, after } => (cause, after),
        };
        let pause = pause(attempts, after, clock.chance());
        if clock.now() + pause >= until {
            // Where the server said when to come back, nobody comes earlier.
            let error = TokenError::Unavailable { cause, retry_after: after };
            return Err(Failure { error, remember_for: after.map(|it| it.min(LONGEST_PAUSE)) });
        }
        attempts += 1;
        clock.sleep(pause).await;
    }
}

async fn attempt(plan: &Plan, http: &reqwest::Client, left: Duration) -> Reading {
    let answer = async {
        let response = plan.request(http).timeout(left.min(ATTEMPT)).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok((status, headers, body(response).await?))
    };
    match answer.await {
        Ok((status, headers, body)) => read(status, &headers, &body, plan),
        Err(error) => Reading::Again { cause: cause(error), after: None },
    }
}

/// As much of it as a token endpoint has to say.
async fn body(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await?.filter(|_| body.len() <= MAX_BYTES) {
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn cause(error: reqwest::Error) -> String {
    if error.is_timeout() { "no answer in time".to_owned() } else { crate::error::cause(&error.without_url()) }
}
