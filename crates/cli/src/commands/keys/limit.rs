//! `portcullis keys limit`: a key's own quota and rate.
//!
//! What is not named stays as it is.

use portcullis_api::plans::Rate;
use portcullis_api::{KeyQuota, UpdateKey};

use super::super::limits::{patch, quota, rate};
use super::wait::Wait;
use super::{Id, view};
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    id: Id,
    #[command(flatten)]
    limits: Limits,
    /// Count its requests for its organisation alone.
    #[arg(long, conflicts_with = "quota")]
    no_quota: bool,
    /// Lift its own rate.
    #[arg(long, conflicts_with = "rate")]
    no_rate: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// How much a key may be used.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    /// Tokens in each period, such as 1000/day, 30000/month or 30000/30d.
    #[arg(long, value_name = "TOKENS/PERIOD", value_parser = quota, allow_hyphen_values = true)]
    pub(super) quota: Option<KeyQuota>,
    /// Requests in so many seconds, and how many at once: 100/60s+20.
    #[arg(long, value_name = "REQUESTS/SECONDS", value_parser = rate, allow_hyphen_values = true)]
    pub(super) rate: Option<Rate>,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let request = UpdateKey {
        quota: patch(args.limits.quota, args.no_quota),
        rate: patch(args.limits.rate, args.no_rate),
        ..UpdateKey::default()
    };
    if request == UpdateKey::default() {
        return Err(Failure::usage("no limit given\nhint: --quota and --rate limit; --no-quota and --no-rate lift"));
    }
    let client = args.control.client()?;
    let updated = client.update_key(args.id.get()?, &request).await.map_err(|error| args.id.refusal(error))?;
    output::enforced_from(updated.version);
    args.wait.receipt(&client, updated.version).await;
    view::print(&updated.value, args.output)
}
