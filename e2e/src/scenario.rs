//! The end-to-end scenarios, one file each.
//!
//! Each starts its own stacks on free ports and leaves nothing. Invariant: a scenario that cannot run has failed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::report::Report;

mod canary;
mod corpus;
mod dashboard;
mod hostile;
mod lifecycle;
mod limits;
pub(crate) mod million;
mod oauth;
mod oauth_client;
mod openapi;
mod outage;
mod quota;
mod rate_limit;
mod replicas;
mod revocation;
mod roles;
mod secrets;
mod soak_management;
mod tokens;
mod usage;

/// `portcullis-e2e scenario`.
#[derive(Debug, clap::Args)]
pub(crate) struct Scenario {
    /// Which one; absent = list them.
    name: Option<String>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    json: bool,
    /// soak-management: how long each database is written to.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// million: how many keys; with fewer than a million, goals are such as only something broken misses.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(2000..=2_000_000))]
    keys: usize,
    /// million: a folder that keeps the control plane with its keys for the next run.
    #[arg(long, value_name = "FOLDER")]
    kept: Option<PathBuf>,
    /// quota: what the crashes are drawn from.
    #[arg(long, default_value_t = 4)]
    seed: u64,
}

const SCENARIOS: [(&str, &str); 19] = [
    ("corpus", "every case of policies/*/cases.toml, and every line that `up` prints"),
    ("lifecycle", "a key from its creation to its revocation, as its owner, its client and the upstream see it"),
    ("revocation", "how long a revoked key goes on working, on the slowest worker, under load"),
    ("outage", "the control plane is killed, is not there at the start, and a worker's VM is lost meanwhile"),
    ("hostile", "requests that break filters, each followed by a good one on every worker"),
    (
        "million",
        "a million keys on four workers: what they weigh, how soon they are enforced, what requests notice of new versions",
    ),
    ("roles", "an organisation, a member of each role, and what each may and may not"),
    ("openapi", "whatever the API's own description allows, asked by schemathesis"),
    (
        "oauth-client",
        "an OAuth client that was not made for this, and the Python SDK, against a service's and a user's tokens",
    ),
    ("replicas", "two control planes on one PostgreSQL, an Envoy at each; either is killed"),
    ("soak-management", "50 clients create and revoke keys at once; the control plane is killed meanwhile"),
    ("quota", "three Envoys share a quota of 10,000; Envoys and the control plane are killed, or drained, meanwhile"),
    ("usage", "what is told to be used is what was let through, to the unit, through crashes and an outage"),
    ("rate-limit", "rate limits over an Envoy's workers, several at once, and one over a fleet"),
    ("tokens", "a key id and a secret become an access token, which works as long as what minted it does"),
    ("oauth", "somebody allows an app in a real Chromium; its tokens work until they are taken back"),
    (
        "secrets",
        "skills call services through the edge, which puts their secrets in; values are replaced, keys exchanged",
    ),
    ("canary", "values that are in use are looked for in everything that the system writes, tells or keeps"),
    ("dashboard", "the pages in a real Chromium, from the owner's link to the receipt of a revocation"),
];

impl Scenario {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let Some(name) = self.name else {
            SCENARIOS.iter().for_each(|(name, what)| println!("{name:16}{what}"));
            return Ok(ExitCode::SUCCESS);
        };
        let mut report = Report::default();
        let result = match name.as_str() {
            "corpus" => corpus::run(&mut report).await,
            "lifecycle" => lifecycle::run(&mut report).await,
            "revocation" => revocation::run(&mut report).await,
            "outage" => outage::run(&mut report).await,
            "hostile" => hostile::run(&mut report).await,
            "million" => million::run(self.keys, self.kept.as_deref(), &mut report).await,
            "roles" => roles::run(&mut report).await,
            "openapi" => openapi::run(&mut report).await,
            "oauth-client" => oauth_client::run(&mut report).await,
            "replicas" => replicas::run(&mut report).await,
            "soak-management" => soak_management::run(Duration::from_secs(self.seconds), &mut report).await,
            "quota" => quota::run(self.seed, &mut report).await,
            "usage" => usage::run(&mut report).await,
            "rate-limit" => rate_limit::run(&mut report).await,
            "tokens" => tokens::run(&mut report).await,
            "oauth" => oauth::run(&mut report).await,
            "secrets" => secrets::run(&mut report).await,
            "canary" => canary::run(&mut report).await,
            "dashboard" => dashboard::run(&mut report).await,
            other => anyhow::bail!("no scenario `{other}`\nhint: without a name they are listed"),
        };
        if let Err(error) = result {
            report.check(format!("the scenario runs to its end: {error:#}"), false);
        }
        Ok(report.finish(&name, self.json))
    }
}
