//! Fetching an issuer's public keys: where its configuration says, or where whoever added it says (OpenID Connect Discovery
//! 1.0, section 4).
//!
//! It goes through the client of webhooks, whose resolver holds the operator's rules; no redirect is followed. Nothing of an
//! answer is repeated to anybody. Invariant: what comes out are keys that edges can verify with, one at least.

use std::time::Duration;

use portcullis_token::{InvalidJwks, Jwk, read_jwks};
use serde::Deserialize;

use crate::app::App;
use crate::webhooks::{Failed, Refused};

/// From the first look at the name to the answer's last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Providers' sets have some kilobytes.
const MOST_BYTES: usize = 256 * 1024;
/// Of keys that cannot be used, so many are told of.
const TOLD: usize = 5;

const CONFIGURATION: &str = "its configuration cannot be fetched";
const KEYS: &str = "its keys cannot be fetched";

/// Why there are no keys, in words for whoever added the issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// It was not asked, or did not answer with what was asked for.
    #[error("{0}: {1}")]
    NotFetched(&'static str, String),
    /// The configuration cannot be read.
    #[error(
        "its configuration is not JSON with `issuer` and `jwks_uri`\nhint: name the address of its keys as `jwks_uri`"
    )]
    Configuration,
    /// The configuration is somebody else's.
    #[error("its configuration has another `issuer`: it has to be the exact text, with or without a slash at its end")]
    OtherIssuer,
    /// The keys cannot be read.
    #[error("its keys: {0}")]
    Jwks(InvalidJwks),
    /// They were read, and there is nothing to verify with. All others leave open what it publishes.
    #[error("its keys: none can be used{0}")]
    NoKeys(String),
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

/// The keys of an issuer.
pub(super) async fn keys(app: &App, issuer: &str, jwks_uri: Option<&str>) -> Result<Vec<Jwk>, Problem> {
    let address = match jwks_uri {
        Some(named) => named.to_owned(),
        None => discovered(app, issuer).await?,
    };
    let mut reading = read_jwks(&get(app, KEYS, &address).await?).map_err(Problem::Jwks)?;
    if reading.keys.is_empty() {
        let told: String = reading.skipped.iter().take(TOLD).map(|why| format!("; {why}")).collect();
        return Err(Problem::NoKeys(told));
    }
    // In whatever order they come: edges hear of keys that are others, not of keys that stand elsewhere.
    reading.keys.sort_by(|one, other| one.kid.cmp(&other.kid));
    Ok(reading.keys)
}

async fn discovered(app: &App, issuer: &str) -> Result<String, Problem> {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let text = get(app, CONFIGURATION, &format!("{base}/.well-known/openid-configuration")).await?;
    let configuration: Configuration = serde_json::from_slice(&text).map_err(|_| Problem::Configuration)?;
    if configuration.issuer == issuer { Ok(configuration.jwks_uri) } else { Err(Problem::OtherIssuer) }
}

async fn get(app: &App, what: &'static str, url: &str) -> Result<Vec<u8>, Problem> {
    let why = |failed: Failed| match failed {
        Failed::Refused(why) => refused(&why).to_owned(),
        Failed::Timeout => format!("no answer within {} s", TIMEOUT.as_secs()),
        other => other.to_string(),
    };
    app.hooks.get(url, TIMEOUT, MOST_BYTES).await.map_err(|failed| Problem::NotFetched(what, why(failed)))
}

/// Why nothing is fetched from there, without a word of what a name leads to.
pub(super) fn refused(why: &Refused) -> &'static str {
    match why {
        Refused::Syntax => "expected a URL such as `https://login.example.com`, of at most 2000 characters",
        Refused::Scheme => {
            "expected a URL that begins with `https://`: only with --webhook-allow-http does `portcullis serve` take `http://`"
        }
        Refused::UserInfo => "expected a URL without user name and password",
        Refused::Name => {
            "its name cannot be looked up, or leads to an address that is not public: only with --webhook-allow-private \
             does `portcullis serve` take private ones"
        }
        Refused::Address(..) | Refused::Loopback(_) => {
            "it leads to an address that is not public: only with --webhook-allow-private does `portcullis serve` take \
             private ones"
        }
    }
}
