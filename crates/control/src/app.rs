//! What every request handler shares, and the one way to change something.
//!
//! Invariant: `commit` answers only when edges can fetch what it wrote; `issue` says whether they can.

use std::sync::Arc;

use portcullis_bundle::PublicKey;
use portcullis_engine::OrganizationId;
use portcullis_engine::ip::Network;
use tokio::sync::Semaphore;

use crate::access_tokens::{ExchangeRates, Journal};
use crate::accounts::{Attempts, Passwords, Refusals};
use crate::clock::Clock;
use crate::error::Error;
use crate::fleet::Fleet;
use crate::http::polls::Polls;
use crate::http::rates::Rates;
use crate::issuers::Fetches;
use crate::keys::Directory;
use crate::limits::Limits;
use crate::listings::Listings;
use crate::metrics::Metrics;
use crate::policy::{PolicyRoom, PolicySlot};
use crate::public_url::PublicUrl;
use crate::publisher::Publisher;
use crate::sealing::SealingKey;
use crate::shutdown::Shutdown;
use crate::signing_keys::Ring;
use crate::store::{Change, Store, StoreError};
use crate::token::Token;
use crate::webhooks::Sender;

/// The control plane, running.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) policies: PolicySlot,
    pub(crate) directory: Arc<Directory>,
    pub(crate) publisher: Publisher,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) clock: Clock,
    pub(crate) default_organization: OrganizationId,
    pub(crate) admin_token: Token,
    pub(crate) edge_token: Token,
    pub(crate) public_key: PublicKey,
    pub(crate) sealing_key: SealingKey,
    pub(crate) token_keys: Arc<Ring>,
    pub(crate) token_key_days: u16,
    pub(crate) public_url: PublicUrl,
    pub(crate) gateway_url: Option<PublicUrl>,
    pub(crate) trusted_proxies: Arc<[Network]>,
    pub(crate) passwords: Passwords,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) exchange_rates: Arc<ExchangeRates>,
    pub(crate) exchanges: Arc<Journal>,
    pub(crate) polls: Polls,
    pub(crate) shutdown: Shutdown,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) listings: Arc<Listings>,
    pub(crate) patience: Arc<Semaphore>,
    pub(crate) fetches: Arc<Fetches>,
    pub(crate) hooks: Arc<Sender>,
}

/// Something that was done, and the version that contains it.
#[derive(Clone, Debug)]
pub(crate) struct Committed<T> {
    /// The version.
    pub version: u64,
    /// Whether edges can fetch it.
    pub published: bool,
    /// What was done.
    pub value: T,
}

/// How often a change is tried again when others change the same row.
const ATTEMPTS: usize = 8;

impl App {
    /// The policy in force.
    pub(crate) fn policy(&self) -> Arc<PolicyRoom> {
        self.policies.load_full()
    }

    /// Stores all of a change or none, and waits until edges can fetch it.
    pub(crate) async fn commit<T>(&self, change: Change, value: T) -> Result<Committed<T>, Error> {
        self.issue(change, value).await?.or_not_published()
    }

    /// Stores all of a change or none, which edges need not know of.
    pub(crate) async fn record(&self, change: Change) -> Result<(), Error> {
        self.write(&change).await?;
        Ok(())
    }

    async fn write(&self, change: &Change) -> Result<u64, Error> {
        let version = self.store.write(change, self.clock.millis()).await?;
        change.audit.iter().for_each(|row| self.metrics.noted(row.action.as_str()));
        Ok(version)
    }

    /// The same for what must reach the caller, published or not: the text of a new key is nowhere else.
    pub(crate) async fn issue<T>(&self, change: Change, value: T) -> Result<Committed<T>, Error> {
        let version = self.write(&change).await?;
        let published = self.publisher.publish(version).await.is_ok();
        Ok(Committed { version, published, value })
    }

    /// Waits until edges can fetch a version.
    pub(crate) async fn published<T>(&self, version: u64, value: T) -> Result<Committed<T>, Error> {
        let published = self.publisher.publish(version).await.is_ok();
        Committed { version, published, value }.or_not_published()
    }

    /// Fails if nothing was ever published: whoever asks for a key then would get one that no edge knows.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        self.publisher.first().await.map_err(|_| Error::NotReady)
    }

    /// Reads, changes and commits; again from the start if the row changed in between.
    pub(crate) async fn change<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        for _ in 0..ATTEMPTS {
            match attempt().await {
                Err(Error::Store(StoreError::Conflict)) => {}
                other => return other,
            }
        }
        Err(Error::Contended)
    }
}

impl<T> Committed<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T, bool) -> U) -> Committed<U> {
        let Self { version, published, value } = self;
        Committed { version, published, value: f(value, published) }
    }

    fn or_not_published(self) -> Result<Self, Error> {
        if self.published { Ok(self) } else { Err(Error::NotPublished(self.version)) }
    }
}
