//! `portcullis explain`: how a request would be decided, check by check, by the same engine that runs at the edge.
//!
//! Offline: it reads files and asks nobody. Invariant: no key is printed, whatever it was given.

mod keys_file;
mod request;
mod view;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_bundle::Archive;
use portcullis_engine::{Ambient, Check, Decision, PolicySpec, decide_traced};

use super::bundle::TrustedKeys;
use crate::args::Output;
use crate::exit::{Exit, Failure};

/// Which bundle or policy, and which request.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Decide with a bundle file, as `portcullis bundle export` writes it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "keys"], required_unless_present = "policy")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    trusted: TrustedKeys,
    /// Decide with a policy file and the keys of --keys.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Keys and organisations as TOML: `[keys.NAME] environment, scopes, status, restrictions`.
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    #[command(flatten)]
    request: request::Args,
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
    let now = now(args.now)?;
    let (mut archive, known) = match (&args.bundle, &args.policy) {
        (Some(file), _) => (args.trusted.open(file)?, keys_file::KnownKeys::default()),
        (None, Some(policy)) => keys_file::load(policy, &args.keys, now)?,
        (None, None) => return Err(Failure::usage("no bundle or policy given\nhint: --bundle FILE or --policy FILE")),
    };
    let spec = spec(&archive)?;
    let request = args.request.resolve(archive.policy(), &spec, &known)?;
    explain(args, &mut archive, &request, now)
}

fn explain(args: &Args, archive: &mut Archive, request: &request::Wire, now: u64) -> Result<Exit, Failure> {
    let (policy, mut keys) = archive.parts_mut();
    let ambient = Surroundings { now, from: args.from };
    let headers = request.headers();
    let mut checks: Vec<Check> = Vec::new();
    let decision = decide_traced(policy, &mut keys, &request.as_request(&headers), &ambient, &mut checks);
    view::print(policy, request, args.from, &decision, &checks, args.output)?;
    Ok(match decision {
        Decision::Allow(_) => Exit::Success,
        Decision::Deny(_) => Exit::No,
    })
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
