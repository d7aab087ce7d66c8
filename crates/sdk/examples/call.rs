//! Calls an API behind Portcullis. `PREFIX_ORG_ID` and so on say who we are: `call URL [PREFIX]`, by default `PORTCULLIS`.
#![expect(clippy::print_stdout, reason = "an example shows its answer")]

use std::error::Error;

use portcullis_sdk::{Credentials, TokenSource};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: call URL [PREFIX]")?;
    let credentials = match arguments.next() {
        Some(prefix) => Credentials::from_env_with(&prefix)?,
        None => Credentials::from_env()?,
    };
    // One for a process, and before the client: it sees to it that TLS has a cryptographic provider.
    let source = TokenSource::new(credentials)?;
    let http = reqwest::Client::new();
    let answer = source.send(http.get(url)).await?;
    println!("{} {}", answer.status(), answer.text().await?);
    Ok(())
}
