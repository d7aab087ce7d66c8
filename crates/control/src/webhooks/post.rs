//! One attempt: a POST, signed, to an address that is allowed, and the status of its answer.
//!
//! Nothing of the answer but its status is read: what a stranger's server says would be shown to people. What is published
//! somewhere for everybody to read can be fetched through here, too, under the same rules. No redirect is
//! followed and no proxy asked: either would choose the address. Invariant: the addresses that a name resolves to are
//! looked at by the very resolver whose answer is connected to.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, ClientBuilder, StatusCode};

use super::address::{Refused, WebhookRules};
use super::signing::SigningSecret;

/// From the first look at the name to the answer's head.
const TIMEOUT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("portcullis/", env!("CARGO_PKG_VERSION"));

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Message<'a> {
    /// Where to.
    pub url: &'a str,
    /// Its id, the same at each attempt.
    pub id: &'a str,
    /// When this attempt is made, in Unix seconds.
    pub timestamp: u64,
    /// What it says.
    pub body: &'a str,
}

/// Why a message did not arrive, in words for whoever made the webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failed {
    /// It may not go there.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It was answered, and not with a 2xx status.
    #[error("answered with status {}", words(*.0))]
    Status(StatusCode),
    /// The control plane cannot open what it is to be signed with.
    #[error("its secret was sealed under another signing key: remove the webhook and make it again")]
    Sealed,
    /// No answer came in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// The answer is longer than anything that is read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// There was no connection, or it broke.
    #[error("{0}")]
    Connection(String),
}

impl Failed {
    /// The status of the answer, if one came.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status.as_u16()),
            Self::Refused(_) | Self::Sealed | Self::Timeout | Self::TooLong(_) | Self::Connection(_) => None,
        }
    }
}

/// Sends messages. Clients are made when they are first needed: TLS wants root certificates, which a machine may lack.
#[derive(Debug)]
pub(super) struct Poster {
    rules: WebhookRules,
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
}

impl Poster {
    pub(super) fn new(rules: WebhookRules) -> Self {
        Self { rules, plain: OnceLock::new(), secure: OnceLock::new() }
    }

    /// Sends a message; returns the status if it is a 2xx.
    pub(super) async fn post(&self, message: &Message<'_>, secret: &SigningSecret) -> Result<StatusCode, Failed> {
        let url = self.rules.parse(message.url)?;
        let client = self.client(url.scheme() == "https")?;
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.timestamp)
            .header("webhook-signature", secret.sign(message.id, message.timestamp, message.body))
            .body(message.body.to_owned());
        let status = request.send().await.map_err(Failed::from)?.status();
        if status.is_success() { Ok(status) } else { Err(Failed::Status(status)) }
    }

    /// What is published there: the whole of a 200, if it comes in time and is no longer than that.
    pub(super) async fn get(&self, url: &str, within: Duration, most: usize) -> Result<Vec<u8>, Failed> {
        let url = self.rules.parse(url)?;
        let client = self.client(url.scheme() == "https")?;
        let request = client.get(url).header(ACCEPT, "application/json").timeout(within);
        let mut answer = request.send().await.map_err(Failed::from)?;
        if answer.status() != StatusCode::OK {
            return Err(Failed::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(Failed::from)? {
            if body.len() + chunk.len() > most {
                return Err(Failed::TooLong(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn client(&self, with_tls: bool) -> Result<&Client, Failed> {
        let kept = if with_tls { &self.secure } else { &self.plain };
        if let Some(client) = kept.get() {
            return Ok(client);
        }
        let made = client(self.rules, with_tls)?;
        Ok(kept.get_or_init(|| made))
    }
}

fn client(rules: WebhookRules, with_tls: bool) -> Result<Client, Failed> {
    // Losing this race means that a provider is installed, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = ClientBuilder::new().timeout(TIMEOUT).user_agent(AGENT).no_proxy();
    let builder = builder.redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0);
    let builder = builder.dns_resolver(Arc::new(Resolver(rules)));
    let builder = if with_tls { builder.https_only(true) } else { builder.tls_certs_only([]) };
    Ok(builder.build()?)
}

/// Resolves names, and fails if any address of one is not allowed.
struct Resolver(WebhookRules);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0;
        Box::pin(async move { Ok(Box::new(addresses(rules, name.as_str()).await?.into_iter()) as Addrs) })
    }
}

/// What a name resolves to. Whatever is wrong with it, the error is one and the same.
async fn addresses(rules: WebhookRules, name: &str) -> Result<Vec<SocketAddr>, Refused> {
    let refused = |error: &dyn std::error::Error| {
        tracing::info!(name, %error, "a webhook's name leads nowhere that its messages may go");
        Refused::Name
    };
    let found: Vec<_> = tokio::net::lookup_host((name, 0)).await.map_err(|error| refused(&error))?.collect();
    let mut addresses = found.iter().map(SocketAddr::ip);
    addresses.try_for_each(|address: IpAddr| rules.allow(address)).map_err(|error| refused(&error))?;
    Ok(found)
}

fn words(status: StatusCode) -> String {
    let hint = if status.is_redirection() { ": redirects are not followed" } else { "" };
    format!("{}{hint}", status.as_u16())
}

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        let is_timeout = error.is_timeout();
        // The URL may be a secret of whoever made the webhook.
        let error = error.without_url();
        let mut innermost: &(dyn std::error::Error + 'static) = &error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        match innermost.downcast_ref::<Refused>() {
            Some(refused) => Self::Refused(refused.clone()),
            None if is_timeout => Self::Timeout,
            None => Self::Connection(format!("no connection: {innermost}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_that_nobody_knows_and_those_of_our_own_network_are_the_same_to_strangers() {
        let unknown = format!("{}.example", "x".repeat(64));
        for (name, allow_private, expected) in [
            ("localhost", false, Some(Refused::Name)),
            ("localhost", true, None),
            (&unknown, true, Some(Refused::Name)),
        ] {
            let rules = WebhookRules { allow_private, ..WebhookRules::default() };
            assert_eq!(addresses(rules, name).await.err(), expected, "{name}");
            let resolved = Resolver(rules).resolve(name.parse().unwrap()).await;
            let error = resolved.err().map(|error| error.downcast_ref::<Refused>().cloned());
            assert_eq!(error.flatten(), expected, "{name}, as it is connected to");
        }
    }
}
