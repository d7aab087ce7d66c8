//! The publisher: after every change it rebuilds the shards that changed, signs a manifest and wakes waiting edges.
//!
//! It reads what changed from the store, so the store alone is the truth. Invariants: what is published is never older
//! than what was published before; a failure leaves the last good bundle in place and is tried again.

mod bundle;
mod crowd;
mod day;
mod history;
mod index;
mod pace;
mod progress;
mod skills;
mod tokens;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portcullis_bundle::{Blob, BlobDigest, BuildError, SignedManifest, SigningKey, build_policy};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::issuers;
use crate::metrics::Metrics;
use crate::policy::{PolicyRoom, PolicySlot};
use crate::signing_keys::Ring;
use crate::store::{PolicyRow, Store, StoreError};

use bundle::Builder;
pub(crate) use bundle::Published;
use history::History;
use pace::Pace;
pub(crate) use progress::Lag;
use progress::Progress;

/// How soon something stored is noticed when nobody said so.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A database that takes longer to say which version it has is as good as gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What is published, and the way to have more published. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Publisher {
    wake: Arc<Notify>,
    current: watch::Receiver<Option<Arc<Published>>>,
    history: Arc<Mutex<History>>,
    signer: Arc<Signer>,
    progress: Arc<Progress>,
    clock: Clock,
    within: Duration,
}

/// A version that was not published in time.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not published in time")]
pub(crate) struct NotPublished;

/// Why nothing new could be published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A shard could not be built.
    #[error("bundle: {0}")]
    Build(#[from] BuildError),
    /// The runtime is shutting down.
    #[error("the builder was stopped")]
    Stopped,
}

impl Publisher {
    /// Someone, here or elsewhere, says that a version is stored.
    pub(crate) fn heard(&self, version: u64) {
        if self.current().is_none_or(|it| it.version() < version) {
            self.wake.notify_one();
        }
    }

    /// Asks for a version to be published and waits until edges can fetch it.
    pub(crate) async fn publish(&self, version: u64) -> Result<(), NotPublished> {
        self.progress.want(version, self.clock.seconds());
        self.wake.notify_one();
        self.reached(version).await
    }

    /// Waits for the first version.
    pub(crate) async fn first(&self) -> Result<(), NotPublished> {
        self.reached(0).await
    }

    /// Waits for the first version for as long as it takes.
    pub(crate) async fn begun(&self) {
        let mut current = self.current.clone();
        // It fails if nothing will ever be published: then this process is about to end.
        let _ = current.wait_for(Option::is_some).await;
    }

    async fn reached(&self, version: u64) -> Result<(), NotPublished> {
        let mut current = self.current.clone();
        let reached = current.wait_for(|it| it.as_ref().is_some_and(|it| it.version() >= version));
        match timeout(self.within, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotPublished),
        }
    }

    /// How far what is published is behind what is stored.
    pub(crate) fn lag(&self) -> Lag {
        self.progress.lag(self.clock.seconds())
    }

    /// What is published; `None` while the first bundle is being built.
    pub(crate) fn current(&self) -> Option<Arc<Published>> {
        self.current.borrow().clone()
    }

    /// Waits for a version above `version`, but no longer than `wait`; then whatever there is.
    pub(crate) async fn newer_than(&self, version: u64, wait: Duration) -> Option<Arc<Published>> {
        let mut current = self.current.clone();
        let newer = current.wait_for(|it| it.as_ref().is_some_and(|it| it.version() > version));
        // Waiting in vain is no failure: the edge gets the current manifest, freshly signed.
        let _ = timeout(wait, newer).await;
        self.current()
    }

    /// A manifest signed as of `now`.
    pub(crate) fn sign(&self, published: &Published, now: u64) -> Result<SignedManifest, BuildError> {
        self.signer.sign(published, now)
    }

    /// A blob of one of the last versions.
    pub(crate) fn blob(&self, digest: &BlobDigest) -> Option<Blob> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).find(digest)
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Publisher(version {:?})", self.current().map(|it| it.version()))
    }
}

/// Signs manifests; at most once a second for the same one, however many edges ask.
struct Signer {
    key: SigningKey,
    last: Mutex<Option<(u64, u64, SignedManifest)>>,
}

impl Signer {
    fn sign(&self, published: &Published, now: u64) -> Result<SignedManifest, BuildError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((version, at, signed)) if (*version, *at) == (published.version(), now) => Ok(signed.clone()),
            _ => {
                let signed = self.key.sign(&published.manifest_as_of(now))?;
                *last = Some((published.version(), now, signed.clone()));
                Ok(signed)
            }
        }
    }
}

/// The part that works in the background; `run` it.
pub(crate) struct Worker {
    store: Arc<dyn Store>,
    clock: Clock,
    wake: Arc<Notify>,
    current: watch::Sender<Option<Arc<Published>>>,
    history: Arc<Mutex<History>>,
    builder: Arc<Mutex<Builder>>,
    policies: PolicySlot,
    token_keys: Arc<Ring>,
    told: tokens::Told,
    progress: Arc<Progress>,
    metrics: Arc<Metrics>,
    applied: u64,
    pace: Pace,
}

/// A publisher with nothing published, and the worker that will change that.
/// Whoever waits for a version does so for at most `within`.
pub(crate) fn new(
    store: Arc<dyn Store>,
    clock: Clock,
    policies: PolicySlot,
    token_keys: Arc<Ring>,
    key: SigningKey,
    within: Duration,
    metrics: Arc<Metrics>,
) -> Result<(Publisher, Worker), BuildError> {
    let policy = build_policy(policies.load().spec())?;
    let progress = Arc::new(Progress::default());
    let wake = Arc::new(Notify::new());
    let (sender, current) = watch::channel(None);
    let history = Arc::new(Mutex::new(History::default()));
    let signer = Arc::new(Signer { key, last: Mutex::new(None) });
    let worker = Worker {
        store,
        clock: clock.clone(),
        wake: wake.clone(),
        current: sender,
        history: history.clone(),
        builder: Arc::new(Mutex::new(Builder::new(policy))),
        policies,
        token_keys,
        told: tokens::Told::default(),
        progress: progress.clone(),
        metrics,
        applied: 0,
        pace: Pace::default(),
    };
    Ok((Publisher { wake, current, history, signer, progress, clock, within }, worker))
}

impl Worker {
    /// Publishes now, after every change, and looks for changes that nobody announced. Never returns.
    pub(crate) async fn run(mut self) {
        loop {
            if let Err(error) = self.publish().await {
                tracing::error!(%error, "nothing new published; trying again");
                self.progress.failed(&error);
                self.metrics.publish_failed();
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
            // What is stored meanwhile is published with what waits.
            tokio::time::sleep(self.pace.wait(Instant::now())).await;
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Publishes everything that is stored by now.
    async fn publish(&mut self) -> Result<(), PublishError> {
        let stored = self.stored().await?;
        self.progress.want(stored, self.clock.seconds());
        if self.current.borrow().as_ref().is_some_and(|it| it.version() >= stored) {
            return Ok(());
        }
        let begun = Instant::now();
        let changes = self.store.changes(self.applied, day::forgotten_before(stored)).await?;
        let (version, sources) = (changes.version, changes.tokens);
        let policy = changes.policy.as_ref().and_then(readable);
        let blob = policy.as_ref().map(|room| build_policy(room.spec())).transpose()?;
        let in_force = self.policies.load();
        let spec = policy.as_ref().map_or(in_force.spec(), PolicyRoom::spec);
        let outside = issuers::specs(&changes.issuers, sources.issuer.as_deref(), spec.tokens.as_ref());
        let tokens = self.told.tokens(spec, &sources, outside);
        drop(in_force);
        let published = self.build(move |builder| {
            blob.into_iter().for_each(|blob| builder.replace_policy(blob));
            builder.replace_tokens(tokens);
            builder.replace_skills(&changes.skills);
            builder.apply(changes.keys, &changes.organizations, day::forgotten_before(version));
            builder.build(version)
        });
        let published = Arc::new(published.await??);
        self.applied = version;
        // Whoever waits for the version finds its policy in force, and its keys.
        policy.into_iter().for_each(|room| self.policies.store(Arc::new(room)));
        self.token_keys.publish(sources);
        let new = self.history.lock().unwrap_or_else(PoisonError::into_inner).push(published.clone());
        self.pace.published(Instant::now(), new);
        self.current.send_replace(Some(published));
        self.progress.published(version, self.clock.seconds());
        self.metrics.published(begun.elapsed());
        Ok(())
    }

    /// The version to publish. The first look of a day takes one, with which keys revoked long ago leave the bundle.
    async fn stored(&self) -> Result<u64, StoreError> {
        let look = async {
            let stored = self.store.version().await?;
            let today = day::first_version(self.clock.seconds());
            if stored < today { self.store.advance_to(today).await } else { Ok(stored) }
        };
        timeout(ANSWER_WITHIN, look).await.unwrap_or(Err(StoreError::Unreachable(sqlx::Error::PoolTimedOut)))
    }

    async fn build<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Builder) -> T + Send + 'static,
    ) -> Result<T, PublishError> {
        let builder = self.builder.clone();
        let work = move || work(&mut builder.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work).await.map_err(|_| PublishError::Stopped)
    }
}

/// A policy that this version cannot read leaves the last one in place: revocations must still reach the edges.
fn readable(row: &PolicyRow) -> Option<PolicyRoom> {
    let room = PolicyRoom::read(row);
    room.inspect_err(|error| tracing::error!(version = row.version, %error, "this policy cannot be read here")).ok()
}
