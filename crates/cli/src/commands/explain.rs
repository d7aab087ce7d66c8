//! `portcullis explain`: how a request would be decided, check by check, by the same engine that runs at the edge.
//!
//! Offline it reads files and asks nobody; with `--key-id` it asks the control plane, which knows the key. Invariant: no key is printed, whatever it was given.

mod asked;
mod keys_file;
mod report;
mod request;
mod view;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_bundle::Archive;
use portcullis_engine::{Ambient, Check, PolicySpec, Unlimited, decide_traced};

use super::block_on;
use super::bundle::TrustedKeys;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

use keys_file::KnownKeys;
use report::Report;
use request::Wire;

const NO_KEYS: &str = "warning: no --keys given, so every key is unknown; \
    hint: for a real key use --bundle with a file from `portcullis bundle export`";

/// Which bundle or policy, and which request.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask the control plane about the key with this id, as it is now.
    #[arg(long, value_name = "ID", conflicts_with_all = ["bundle", "policy", "keys", "without_policy", "key_stdin", "now"])]
    key_id: Option<String>,
    #[command(flatten)]
    control: Control,
    /// Decide with a bundle file, as `portcullis bundle export` writes it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "keys"])]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    trusted: TrustedKeys,
    /// Decide with a policy file and the keys of --keys.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Keys and organisations as TOML: `[keys.NAME] environment, scopes, status, ip, referrer, endpoint, trial`; and
    /// `[tokens.NAME] for, scopes, subject, app, issued_in, expires_in`: access tokens of one of these keys, whose `kind` is
    /// `credential` or `grant`.
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Decide as an edge does that has no bundle yet.
    #[arg(long, conflicts_with_all = ["bundle", "policy"])]
    without_policy: bool,
    #[command(flatten)]
    request: request::RequestArgs,
    /// Where the request comes from, as Envoy trusts it.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    from: IpAddr,
    /// Decide as of that time, such as 2027-01-31T12:00:00Z; absent = now.
    #[arg(long, value_name = "TIME")]
    now: Option<jiff::Timestamp>,
    #[command(flatten)]
    output: Output,
}

/// Explains. Exit code 0 = allowed, 3 = denied.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(key) = &args.key_id {
        return block_on(asked::run(args, key));
    }
    let now = now(args.now)?;
    let (mut archive, known) = match (&args.bundle, &args.policy) {
        _ if args.without_policy => return without_policy(args),
        (Some(file), _) => (args.trusted.open(file)?, KnownKeys::default()),
        (None, Some(policy)) => {
            if args.keys.is_empty() {
                output::talk(NO_KEYS);
            }
            keys_file::load(policy, &args.keys, now)?
        }
        (None, None) => {
            return Err(Failure::usage(
                "no bundle, policy or key given\nhint: --bundle FILE, --policy FILE or --key-id ID",
            ));
        }
    };
    let spec = spec(&archive)?;
    let wire = args.request.resolve(Some((archive.policy(), &spec)), &known)?;
    let headers = wire.headers();
    let request = wire.as_request(&headers);
    let (policy, mut keys) = archive.parts_mut();
    let mut checks: Vec<Check> = Vec::new();
    let ambient = Surroundings { now, from: args.from };
    let decision = decide_traced(policy, &mut keys, &request, &ambient, &mut Unlimited, &mut checks);
    print(args, &wire, &Report::new(policy, &request, &decision, &checks))
}

fn without_policy(args: &Args) -> Result<Exit, Failure> {
    let wire = args.request.resolve(None, &KnownKeys::default())?;
    let headers = wire.headers();
    print(args, &wire, &Report::without_policy(&wire.as_request(&headers)))
}

fn print(args: &Args, wire: &Wire, report: &Report<'_>) -> Result<Exit, Failure> {
    if args.output.json {
        output::json(report)?;
    } else {
        view::print(report, wire, args.from);
    }
    Ok(if report.is_allowed() { Exit::Success } else { Exit::No })
}

/// The policy as it was written.
fn spec(archive: &Archive) -> Result<PolicySpec, Failure> {
    let blob = archive.blob(&archive.manifest().policy).unwrap_or_default();
    Ok(serde_json::from_slice(blob)?)
}

struct Surroundings {
    now: u64,
    from: IpAddr,
}

impl Ambient for Surroundings {
    fn now(&self) -> u64 {
        self.now
    }

    fn source_address(&self) -> Option<IpAddr> {
        Some(self.from)
    }
}

fn now(given: Option<jiff::Timestamp>) -> Result<u64, Failure> {
    match given {
        Some(time) => u64::try_from(time.as_second()).map_err(|_| Failure::usage("--now: expected a time after 1970")),
        None => Ok(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()),
    }
}
