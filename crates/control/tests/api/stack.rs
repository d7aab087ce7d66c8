//! A control plane in this process, and a bare HTTP client for it.
//!
//! Which database it has depends on the test binary: `api` is about SQLite, `postgres` about PostgreSQL.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use portcullis_bundle::{Archive, Manifest, PublicKey, verify};
use portcullis_control::{Clock, Config, Database, Limits, PolicyFile, ServeError, Server, WebhookRules};
use portcullis_engine::ip::Network;
use portcullis_engine::{KeyDigest, KeyStatus, KeyStore};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::stored::{sql, text};

/// 2026-01-15T12:00:00Z.
pub(crate) const NOON: u64 = 1_768_478_400;

const BROKEN: u64 = u64::MAX;

/// Two environments, one of them with a checksum; a few scopes.
const POLICY: &str = r#"
name = "test"
environments = ["live", "test"]
scopes = ["refunds:read", "refunds:write", "payouts:read"]
credentials = [{ in = "header", name = "authorization", scheme = "Bearer" }]
keys = [
    { prefix = "sk_live_", environment = "live", body_length = 24 },
    { prefix = "sk_test_", environment = "test", body_length = 30, checksum = "crc32-base62" },
]
rules = [
    { path = "/v1/**" },
    { methods = ["POST"], path = "/v1/refunds", all = ["refunds:write"] },
    { path = "/v1/live/{id}", environments = ["live"] },
    { path = "/open", access = "public" },
]
"#;

/// A running control plane.
pub(crate) struct Stack {
    pub address: SocketAddr,
    pub folder: TempDir,
    pub admin: String,
    pub edge: String,
    pub public_key: PublicKey,
    /// What it says of its policy file when it starts.
    pub note: Option<String>,
    /// The link that it writes when nobody is there yet.
    pub first_owner: Option<String>,
    clock: Arc<AtomicU64>,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

/// What was answered.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn version(&self) -> u64 {
        self.header("x-portcullis-version").parse().unwrap()
    }
}

/// Tests ask as fast as they can.
pub(crate) fn limits() -> Limits {
    Limits { requests_by_caller: None, requests_by_stranger: None, ..Limits::default() }
}

/// Whether this binary's control planes have a PostgreSQL.
pub(crate) const ON_POSTGRES: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"postgres");

/// What it is served with. A folder's control planes have one database.
pub(crate) async fn config(folder: &Path) -> Config {
    Config {
        data: folder.to_owned(),
        database: database(folder).await,
        replace_signing_key: false,
        listen: "127.0.0.1:0".parse().unwrap(),
        policy: Some(PolicyFile { name: "policy.toml".to_owned(), text: POLICY.to_owned() }),
        admin_token_file: None,
        edge_token_file: None,
        signing_key_file: None,
        public_url: None,
        gateway_url: None,
        trusted_proxies: Vec::new(),
        token_key_days: 30,
        webhooks: WebhookRules { allow_http: true, allow_private: true },
        limits: limits(),
    }
}

async fn database(folder: &Path) -> Database {
    if !ON_POSTGRES {
        return Database::InFolder;
    }
    let file = folder.join("database-url");
    if !file.exists() {
        std::fs::create_dir_all(folder).unwrap();
        let url = crate::support::fresh().await;
        let mut options = std::fs::OpenOptions::new();
        let options = std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600).write(true).create_new(true);
        std::io::Write::write_all(&mut options.open(&file).unwrap(), url.as_bytes()).unwrap();
    }
    Database::from_file(&file).unwrap()
}

impl Stack {
    /// A control plane on an empty folder, at noon.
    pub(crate) async fn start() -> Self {
        Self::resume(tempfile::tempdir().unwrap(), NOON).await
    }

    /// A control plane on a folder that one had before.
    pub(crate) async fn resume(folder: TempDir, now: u64) -> Self {
        let stack = Self::begin(folder, now, limits(), &[]).await;
        stack.manifest().await;
        stack
    }

    /// A control plane that may never publish anything: these statements are run before it begins to.
    pub(crate) async fn begin(folder: TempDir, now: u64, limits: Limits, before: &[&'static str]) -> Self {
        let config = Config { limits, ..config(folder.path()).await };
        Self::open(folder, now, config, before).await
    }

    /// A control plane that believes this machine when it says where a request came from.
    pub(crate) async fn behind_proxy() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trusted_proxies = vec![Network::parse("127.0.0.0/8").unwrap()];
        let config = Config { trusted_proxies, ..config(folder.path()).await };
        let stack = Self::open(folder, NOON, config, &[]).await;
        stack.manifest().await;
        stack
    }

    /// A control plane on a folder that one had before, with the policy file as it is now.
    pub(crate) async fn resume_with_policy(folder: TempDir, now: u64, policy: Option<&str>) -> Self {
        let policy = policy.map(|text| PolicyFile { name: "policy.toml".to_owned(), text: text.to_owned() });
        let config = Config { policy, ..config(folder.path()).await };
        let stack = Self::open(folder, now, config, &[]).await;
        stack.manifest().await;
        stack
    }

    /// A control plane that bears so much, with that policy.
    pub(crate) async fn with_limits_and_policy(folder: TempDir, limits: Limits, policy: &str) -> Self {
        let policy = Some(PolicyFile { name: "policy.toml".to_owned(), text: policy.to_owned() });
        let config = Config { policy, limits, ..config(folder.path()).await };
        let stack = Self::open(folder, NOON, config, &[]).await;
        stack.manifest().await;
        stack
    }

    /// A control plane that knows where its gateway is.
    pub(crate) async fn with_gateway(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { gateway_url: Some(url.parse().unwrap()), ..config(folder.path()).await };
        let stack = Self::open(folder, NOON, config, &[]).await;
        stack.manifest().await;
        stack
    }

    /// A control plane whose operator allows webhooks no more than what is safe.
    pub(crate) async fn strict_about_webhooks() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { webhooks: WebhookRules::default(), ..config(folder.path()).await };
        let stack = Self::open(folder, NOON, config, &[]).await;
        stack.manifest().await;
        stack
    }

    async fn open(folder: TempDir, now: u64, config: Config, before: &[&'static str]) -> Self {
        let clock = Arc::new(AtomicU64::new(now * 1000));
        let read = clock.clone();
        let look = move || Some(read.load(Ordering::Relaxed)).filter(|now| *now != BROKEN).unwrap();
        let server = Server::open(config, Clock::from_millis(look)).await.unwrap();
        for statement in before {
            sql(folder.path(), statement).await;
        }
        let (address, note) = (server.address(), server.note().map(str::to_owned));
        let first_owner = server.first_owner_link().map(str::to_owned);
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.run(async { drop(stopped.await) }));
        let secret = |name| std::fs::read_to_string(folder.path().join(name)).unwrap().trim_end().to_owned();
        let env = secret("edge.env");
        let public_key = env.lines().find_map(|line| line.strip_prefix("PORTCULLIS_PUBLIC_KEY=")).unwrap();
        Self {
            address,
            admin: secret("admin-token"),
            edge: secret("edge-token"),
            public_key: public_key.parse().unwrap(),
            folder,
            clock,
            note,
            first_owner,
            http: http(),
            stop,
            served,
        }
    }

    /// What the published bundle says of a key; `None` if it does not know it.
    pub(crate) async fn published_status(&self, digest: &KeyDigest) -> Option<KeyStatus> {
        let mut archive = self.archive().await;
        archive.parts_mut().1.find(digest).unwrap().map(|record| record.status)
    }

    /// The state of its organisation there.
    pub(crate) async fn published_organization(&self, digest: &KeyDigest) -> String {
        let mut archive = self.archive().await;
        let (_, mut keys) = archive.parts_mut();
        let record = keys.find(digest).unwrap().unwrap();
        format!("{:?}", record.organization_state)
    }

    /// The published bundle.
    pub(crate) async fn archive(&self) -> Archive {
        let file = self.edge_get("/edge/v1/bundle").await;
        Archive::open(&file.bytes, &[self.public_key]).unwrap()
    }

    /// How it ended by itself.
    pub(crate) async fn ended(self) -> Result<(), ServeError> {
        self.served.await.unwrap()
    }

    /// From now on whoever looks at the clock panics.
    pub(crate) fn break_clock(&self) {
        self.clock.store(BROKEN, Ordering::Relaxed);
    }

    /// Does something to the database behind the control plane's back.
    pub(crate) async fn sql(&self, statement: &'static str) {
        sql(self.folder.path(), statement).await;
    }

    /// What the database says, behind the control plane's back.
    pub(crate) async fn text(&self, query: &'static str) -> String {
        text(self.folder.path(), query).await
    }

    /// Ends it in order and gives the folder back.
    pub(crate) async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
        self.folder
    }

    /// Ends it as `kill -9` would: nothing is flushed or closed.
    pub(crate) async fn kill(self) -> TempDir {
        self.served.abort();
        let _ = self.served.await;
        self.folder
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed) / 1000
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.pass_millis(seconds * 1000);
    }

    pub(crate) fn pass_millis(&self, millis: u64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    /// What an edge tells.
    pub(crate) async fn report(&self, body: Value) -> Answer {
        self.send(Method::POST, "/edge/v1/report", Some(&self.edge), Some(body.to_string().as_bytes())).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<&[u8]>) -> Answer {
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.body(body.unwrap_or_default().to_vec()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    /// The same with more header fields; as the administrator, unless they say who it is.
    pub(crate) async fn send_with(&self, method: Method, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        if !fields.iter().any(|(name, _)| *name == "authorization") {
            request = request.bearer_auth(&self.admin);
        }
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.body(body.to_vec()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    /// The same by whoever the fields say, and by nobody if they do not.
    pub(crate) async fn send_bare(&self, method: Method, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.body(body.to_vec()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(method, path, Some(&self.admin), body.map(|it| it.to_string()).as_deref().map(str::as_bytes)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.admin(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.admin(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.admin(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.admin(Method::DELETE, path, None).await
    }

    /// A new key with nothing special about it.
    pub(crate) async fn key(&self, name: &str) -> Value {
        let answer = self.post("/v1/keys", json!({ "name": name, "environment": "live" })).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()
    }

    pub(crate) async fn edge_get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Some(&self.edge), None).await
    }

    /// The current manifest, verified; waits for the first one.
    pub(crate) async fn manifest(&self) -> Manifest {
        loop {
            let answer = self.edge_get("/edge/v1/manifest").await;
            match answer.status {
                200 => return verify(&answer.bytes, &[self.public_key]).unwrap(),
                503 => tokio::task::yield_now().await,
                status => panic!("manifest: {status}"),
            }
        }
    }
}

/// Asks until the answer is the right one.
pub(crate) async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !ask().await {
        assert!(Instant::now() < deadline, "{what}: not in time");
        tokio::task::yield_now().await;
    }
}

/// A client that needs no root certificates.
fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_certs_only([]).build().unwrap()
}
