//! Token sources against a scripted server on a real socket, and a clock that tests move.
//!
//! Invariant: nothing here waits for time to pass.

mod credentials;
mod exchange;
pub(crate) mod manual;
mod renewal;
mod secrecy;
mod send;
mod server;

use std::sync::Arc;
use std::time::Duration;

use manual::Manual;
use server::{Reply, Server};

use super::clock::Clock;
use super::{Credentials, TokenError, TokenSource, TokenSourceBuilder};

const SECRET: &str = "secret_a+b/c:d%e&f";

fn credentials(url: &str) -> Credentials {
    Credentials::new("org_1", "key_1", SECRET, url).unwrap()
}

fn builder(server: &Server, clock: &Arc<Manual>) -> TokenSourceBuilder {
    TokenSource::builder(credentials(&server.url)).clock(Clock::Manual(Arc::clone(clock)))
}

/// A server, a source of its tokens, and its clock.
async fn start(script: &[Reply]) -> (Server, TokenSource, Arc<Manual>) {
    let (server, clock) = (Server::start(script).await, Arc::new(Manual::default()));
    let source = builder(&server, &clock).build().unwrap();
    (server, source, clock)
}

fn minted(text: &str, lifetime: u64) -> Reply {
    Reply::json(200, &format!(r#"{{"access_token":"{text}","token_type":"Bearer","expires_in":{lifetime}}}"#))
}

fn refused(code: &str, status: u16) -> Reply {
    Reply::json(status, &format!(r#"{{"error":"{code}"}}"#))
}

async fn text(source: &TokenSource) -> Result<String, TokenError> {
    source.token().await.map(|token| token.expose().to_owned())
}

/// Asks until that token is there.
async fn until_token(source: &TokenSource, wanted: &str) {
    let asked = async {
        while text(source).await.as_deref() != Ok(wanted) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.expect("it never came");
}
