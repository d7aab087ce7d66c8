//! `portcullis serve`: the control plane, until SIGTERM or Ctrl-C.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use portcullis_control::{
    Clock, Config, Limits, NoPolicy, PolicyFile, PublicUrl, Rate, ServeError, Server, WebhookRules,
};
use portcullis_engine::ip::Network;
use tracing_subscriber::EnvFilter;

use crate::exit::{Exit, Failure};
use crate::output;

/// What to serve, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder for the database and the secrets; made at the first start.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    #[command(flatten)]
    database: crate::args::Database,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The policy: a policy.toml. It is published if its text is new since the last start with a file; absent = what
    /// was published last.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The administrator's token, instead of DIR/admin-token.
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    /// The edges' token, instead of DIR/edge-token.
    #[arg(long, value_name = "FILE")]
    edge_token_file: Option<PathBuf>,
    /// The Ed25519 seed that manifests are signed with, as 64 hex digits, instead of DIR/signing-key.
    #[arg(long, value_name = "FILE")]
    signing_key_file: Option<PathBuf>,
    /// Where people reach it, such as `https://control.example.com`: links begin with it, and it is
    /// `iss` in every access token. Absent = where it listens.
    #[arg(long, value_name = "URL", env = "PORTCULLIS_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
    /// Where clients reach the gateway, such as `https://api.example.com`: the example beside a new key calls it.
    #[arg(long, value_name = "URL", env = "PORTCULLIS_GATEWAY_URL")]
    gateway_url: Option<PublicUrl>,
    /// Networks of proxies in front of it, whose X-Forwarded-For is believed.
    #[arg(long, value_name = "CIDR", num_args = 1.., value_delimiter = ',', value_parser = Network::parse)]
    trusted_proxies: Vec<Network>,
    /// Sign with the signing key from now on, although this database's bundles were signed with another so far.
    #[arg(long)]
    replace_signing_key: bool,
    /// For how many days a key signs access tokens before another does.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    token_key_days: u16,
    /// Let webhooks go to `http://` URLs, unencrypted, and issuers' keys come from there.
    #[arg(long)]
    webhook_allow_http: bool,
    /// Let webhooks go to loopback and private addresses, and issuers' keys come from there. Whoever manages an
    /// organisation can then make the control plane send a POST, or a GET, to whatever it reaches there.
    #[arg(long)]
    webhook_allow_private: bool,
    /// How often a token or a session may ask in a second, twice as much at once; 0 = as often as it likes.
    #[arg(long, value_name = "N", default_value_t = 500)]
    requests_per_second: u32,
    /// What to log: error, warn, info, debug.
    #[arg(long, value_name = "LEVEL", env = "PORTCULLIS_LOG", default_value = "warn")]
    log: String,
    /// How to log: lines for people, or JSON objects for programs.
    #[arg(long, value_enum, value_name = "FORMAT", env = "PORTCULLIS_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Serves.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let filter = EnvFilter::try_new(&args.log);
    let filter = filter.map_err(|error| Failure::usage(format!("--log `{}`: {error}", args.log)))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    let policy = args.policy.as_deref().map(policy).transpose()?;
    let config = Config {
        database: args.database.database()?,
        data: args.data,
        listen: args.listen,
        policy,
        admin_token_file: args.admin_token_file,
        edge_token_file: args.edge_token_file,
        signing_key_file: args.signing_key_file,
        public_url: args.public_url,
        gateway_url: args.gateway_url,
        trusted_proxies: args.trusted_proxies,
        replace_signing_key: args.replace_signing_key,
        token_key_days: args.token_key_days,
        webhooks: WebhookRules { allow_http: args.webhook_allow_http, allow_private: args.webhook_allow_private },
        limits: Limits { requests_by_caller: Rate::per_second(args.requests_per_second), ..Limits::default() },
    };
    let news = news(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(config, news));
    // Whoever still asks what a webhook's name resolves to keeps nobody waiting.
    runtime.shutdown_background();
    served
}

/// A policy file's text, checked; doubts about it are told.
fn policy(path: &Path) -> Result<PolicyFile, Failure> {
    let (text, checked) = portcullis_policy::read_and_check(path).map_err(Failure::unable)?;
    checked.warnings.iter().for_each(|warnings| output::talk(&warnings.to_string()));
    Ok(PolicyFile { name: path.display().to_string(), text })
}

/// Where the secrets are, if this start makes the data folder.
fn news(config: &Config) -> Option<String> {
    let settings = config.data.join("edge.env");
    let token = config.admin_token_file.clone().unwrap_or_else(|| config.data.join("admin-token"));
    let (data, token, edges) = (config.data.display(), token.display(), settings.display());
    let text = format!("new data folder {data}: administrator's token in {token}, edges' settings in {edges}");
    (!settings.exists()).then_some(text)
}

async fn serve(config: Config, news: Option<String>) -> Result<Exit, Failure> {
    let stop = stop_signal()?;
    let server = Server::open(config, Clock::system()).await.map_err(refusal)?;
    news.iter().for_each(|news| output::talk(news));
    server.note().into_iter().for_each(output::talk);
    server.first_owner_link().iter().for_each(|link| output::talk(&format!("first owner: open {link}")));
    output::data(&format!("portcullis listening on http://{}", server.address()));
    server.run(stop).await?;
    Ok(Exit::Success)
}

/// A policy that was never given is a matter of the command line.
fn refusal(error: ServeError) -> Failure {
    match error {
        ServeError::Policy(NoPolicy::Missing) => Failure::usage(error),
        other => other.into(),
    }
}

/// Listens from now on; done at the first signal.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
