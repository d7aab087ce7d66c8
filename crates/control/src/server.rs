//! Putting it together: open the files, start the publisher, listen, and end in order.

mod connections;
mod pulse;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portcullis_bundle::{BuildError, PublicKey};
use portcullis_engine::OrganizationId;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::access_tokens::ExchangeRates;
use crate::accounts::{self, Attempts, Passwords};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Clock;
use crate::config::Config;
use crate::fleet::Fleet;
use crate::http::rates::Rates;
use crate::issuers::Fetches;
use crate::metrics::Metrics;
use crate::policy::{self, NoPolicy};
use crate::public_url::PublicUrl;
use crate::publisher::{self, Worker};
use crate::secret_file::SecretFileError;
use crate::signing_keys::{self, Ring};
use crate::store::{self, Change, OpenError, SIGNING_KEY, Store, StoreError, TokenKeysWrite, Write};
use crate::{http, issuers, organizations, receipts, shutdown, webhooks};

/// Connections that are still busy then are cut.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// Why the control plane does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is no policy that can be served; whoever wrote it can fix it.
    #[error(transparent)]
    Policy(#[from] NoPolicy),
    /// A secrets file cannot be used; the operator can fix it.
    #[error(transparent)]
    Secrets(#[from] SecretFileError),
    /// The policy cannot be written into a bundle.
    #[error("policy: {0}")]
    Build(#[from] BuildError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the first start makes could not be made.
    #[error("{0}")]
    FirstStart(String),
    /// Another control plane has the folder.
    #[error("another control plane serves the data folder `{0}`\nhint: stop it, or give this one a folder of its own")]
    FolderInUse(String),
    /// Another control plane has the SQLite file.
    #[error(
        "another control plane has the database: `{0}` is locked\nhint: control planes share a PostgreSQL, not a file"
    )]
    DatabaseInUse(String),
    /// Edges trust another key's signatures.
    #[error(
        "this control plane's signing key has the public half {own}, but bundles of this database are signed with {recorded}\n\
         hint: give every control plane of one database the same --signing-key-file; to sign with this key from now on, \
         once edges trust it, start with --replace-signing-key"
    )]
    OtherSigningKey {
        /// The public key here.
        own: String,
        /// The public key in the database.
        recorded: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}\nhint: is another control plane running there?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The publisher broke off, which is a bug; what is stored is safe, and starting again publishes it.
    #[error("the publisher broke off: its panic is above\nhint: start the control plane again, and report this")]
    PublisherDied,
    /// What edges report is no longer stored, which is a bug.
    #[error("the fleet's writer broke off: its panic is above\nhint: start the control plane again, and report this")]
    FleetDied,
}

/// A control plane that listens and is about to serve.
pub struct Server {
    app: App,
    worker: Worker,
    listener: TcpListener,
    address: SocketAddr,
    first_owner: Option<String>,
    trigger: shutdown::Trigger,
    note: Option<String>,
    /// Held as long as the server lives: no second one can have the folder, nor the file that the database is.
    _locks: (File, Option<File>),
}

impl Server {
    /// Opens everything and listens. Requests wait until `run`.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, ServeError> {
        let file = config.policy.as_ref().map(policy::File::read).transpose()?;
        config.make_folder()?;
        let lock = store::lock(&config.data.join("lock")).map_err(|error| folder_in_use(error, &config))?;
        let secrets = config.secrets()?;
        config.write_edge_env(&secrets)?;
        let (listener, address) = listen(config.listen).await?;
        let (store, file_lock) = store::open(&config.database, &config.data).await?;
        agree_on_signing_key(store.as_ref(), &secrets.signing_key.public_key(), config.replace_signing_key).await?;
        let default_organization = organizations::ensure_default(store.as_ref(), clock.millis()).await;
        let default_organization = default_organization.map_err(|error| ServeError::FirstStart(error.to_string()))?;
        let (policy, note) = policy::at_start(store.as_ref(), default_organization, clock.millis(), file).await?;
        let policies = Arc::new(ArcSwap::from_pointee(policy));
        let public_url = config.public_url.unwrap_or_else(|| PublicUrl::of(address));
        sign_tokens_as(store.as_ref(), default_organization, &clock, &public_url).await?;
        // Edges that saw a later version, of a database since restored, or an older policy: both get a newer one.
        store.take_version(clock.millis()).await?;
        let public_key = secrets.signing_key.public_key();
        let metrics = Arc::new(Metrics::new(clock.seconds()));
        let token_keys = Arc::new(Ring::new(secrets.sealing_key.clone()));
        let (publisher, worker) = publisher::new(
            store.clone(),
            clock.clone(),
            policies.clone(),
            token_keys.clone(),
            secrets.signing_key,
            config.limits.publish_within,
            metrics.clone(),
        )?;
        let (trigger, shutdown) = shutdown::new();
        let app = App {
            fleet: Arc::new(Fleet::new(store.clone(), metrics.clone())),
            public_url,
            gateway_url: config.gateway_url,
            trusted_proxies: config.trusted_proxies.into(),
            passwords: Passwords::new(),
            attempts: Arc::new(Attempts::new(&config.limits)),
            refusals: Arc::default(),
            rates: Arc::new(Rates::new(&config.limits)),
            exchange_rates: Arc::new(ExchangeRates::new(&config.limits)),
            exchanges: Arc::default(),
            patience: Arc::new(Semaphore::new(receipts::PATIENT)),
            polls: http::polls::Polls::default(),
            store,
            directory: Arc::default(),
            policies,
            publisher,
            clock,
            default_organization,
            admin_token: secrets.admin_token,
            edge_token: secrets.edge_token,
            public_key,
            sealing_key: secrets.sealing_key,
            token_keys,
            token_key_days: config.token_key_days,
            shutdown,
            limits: config.limits,
            metrics,
            listings: Arc::default(),
            fetches: Arc::new(Fetches::new(&config.limits)),
            hooks: Arc::new(webhooks::Sender::new(config.webhooks)),
        };
        let first_owner = accounts::first_owner_link(&app).await;
        let first_owner = first_owner.map_err(|error| ServeError::FirstStart(error.to_string()))?;
        Ok(Self { app, worker, listener, address, first_owner, trigger, note, _locks: (lock, file_lock) })
    }

    /// Where the first owner signs up, as long as there is nobody. Whoever holds it can: show it once.
    pub fn first_owner_link(&self) -> Option<&str> {
        self.first_owner.as_deref()
    }

    #[cfg(test)]
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What became of the policy file, if whoever starts it should know.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Serves until `stop` is done, then answers what is being asked and ends.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let Self { app, worker, listener, trigger, .. } = self;
        let (store, limits, ending) = (app.store.clone(), app.limits, app.shutdown.clone());
        let fleet = app.fleet.clone();
        // Dropped with this future, and its task with it.
        let mut publishing = JoinSet::new();
        publishing.spawn(worker.run());
        let (told, publisher) = (store.clone(), app.publisher.clone());
        publishing.spawn(async move { told.listen(&|version| publisher.heard(version)).await });
        let mut reading = JoinSet::new();
        let (directory, store_of_lists, publisher) = (app.directory.clone(), store.clone(), app.publisher.clone());
        reading.spawn(async move {
            // Both read every key at first. Edges do not wait for lists.
            publisher.begun().await;
            directory.keep_fresh(store_of_lists).await;
        });
        let mut recording = JoinSet::new();
        recording.spawn(fleet.clone().run(app.clock.clone()));
        // Dropped with this future. What it is sending then is sent again.
        let mut telling = JoinSet::new();
        telling.spawn(webhooks::run(app.clone()));
        telling.spawn(signing_keys::run(app.clone()));
        telling.spawn(issuers::run(app.clone()));
        let serving = connections::serve(listener, http::router(app), limits, ending.clone());
        let asked_to_end = async {
            stop.await;
            trigger.begin();
            tokio::time::sleep(DRAIN_WITHIN).await;
        };
        let served = tokio::select! {
            () = serving => Ok(()),
            () = asked_to_end => Ok(()),
            // It never ends by itself. Without it nothing that is stored would reach an edge.
            _ = publishing.join_next() => Err(ServeError::PublisherDied),
            _ = recording.join_next() => Err(ServeError::FleetDied),
        };
        telling.shutdown().await;
        recording.shutdown().await;
        let _ = timeout(DRAIN_WITHIN, fleet.settle()).await;
        publishing.shutdown().await;
        reading.shutdown().await;
        let _ = timeout(DRAIN_WITHIN, store.close()).await;
        served
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The name under which access tokens are signed is the database's, so that all control planes sign alike: that of whichever
/// was started last. Edges are told if it changes.
async fn sign_tokens_as(
    store: &dyn Store,
    organization: OrganizationId,
    clock: &Clock,
    name: &PublicUrl,
) -> Result<(), StoreError> {
    let name = name.to_string();
    if store.token_issuer().await?.as_deref() == Some(&*name) {
        return Ok(());
    }
    let change = Change::new(&Caller::system(organization), clock.millis());
    store.write(&change.also(Write::TokenKeys(TokenKeysWrite::Issuer(name))), clock.millis()).await.map(drop)
}

/// One database's bundles are signed with one key: edges refuse every other.
async fn agree_on_signing_key(store: &dyn Store, own: &PublicKey, replace: bool) -> Result<(), ServeError> {
    let own = own.to_string();
    if replace {
        store.replace_setting(SIGNING_KEY, &own).await?;
    }
    let recorded = store.settle(SIGNING_KEY, &own).await?;
    if recorded == own { Ok(()) } else { Err(ServeError::OtherSigningKey { own, recorded }) }
}

fn folder_in_use(error: OpenError, config: &Config) -> ServeError {
    match error {
        OpenError::InUse(_) => ServeError::FolderInUse(config.data.display().to_string()),
        other => other.into(),
    }
}

impl From<OpenError> for ServeError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::File(error) => Self::Secrets(error),
            OpenError::InUse(path) => Self::DatabaseInUse(path.display().to_string()),
            OpenError::Store(error) => Self::Store(error),
        }
    }
}
