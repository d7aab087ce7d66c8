//! `portcullis keys restrict`: the whole new restrictions of a key, or none.

use portcullis_api::restrictions::{EndpointSpec, IpSpec, ModeSpec, ReferrerSpec, RestrictionsSpec};
use portcullis_api::{Patch, UpdateKey};

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
    restrictions: Restrictions,
    /// Take every restriction away.
    #[arg(long, conflicts_with_all = ["ip_allow", "ip_deny", "referrer", "endpoint", "observe"])]
    clear: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// From where and for what a key may be used.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Restrictions")]
pub(crate) struct Restrictions {
    /// Networks it may be used from, such as 192.0.2.0/24.
    #[arg(long, value_name = "CIDR", num_args = 1..)]
    ip_allow: Vec<String>,
    /// Networks it may not be used from.
    #[arg(long, value_name = "CIDR", num_args = 1..)]
    ip_deny: Vec<String>,
    /// Pages it may be used by, such as 'https://*.example.com/*'.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    referrer: Vec<String>,
    /// Let requests pass that name no page at all.
    #[arg(long, requires = "referrer")]
    referrer_may_be_missing: bool,
    /// Endpoints it may be used for, such as 'GET /v1/charges/**'.
    #[arg(long, value_name = "METHOD PATH", num_args = 1..)]
    endpoint: Vec<String>,
    /// Only count what would be refused.
    #[arg(long)]
    observe: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let restrictions = match (args.restrictions.spec(), args.clear) {
        (Some(spec), _) => Patch::Set(spec),
        (None, true) => Patch::Clear,
        (None, false) => {
            return Err(Failure::usage(
                "no restriction given\nhint: --ip-allow, --ip-deny, --referrer and --endpoint restrict; --clear lifts",
            ));
        }
    };
    let request = UpdateKey { restrictions, ..UpdateKey::default() };
    let (client, id, refusal) = (args.control.client()?, args.id.get()?, |error| args.id.refusal(error));
    let before = client.show_key(id).await.map_err(refusal)?;
    let updated = client.update_key(id, &request).await.map_err(refusal)?;
    let lifted = lifted(before.restrictions.as_ref(), updated.value.restrictions.as_ref());
    if !lifted.is_empty() {
        output::talk(&format!("lifted: {}", lifted.join(", ")));
    }
    args.wait.receipt(&client, updated.version).await;
    view::print(&updated.value, args.output)
}

/// The kinds that restricted the key and do so no longer.
fn lifted(before: Option<&RestrictionsSpec>, after: Option<&RestrictionsSpec>) -> Vec<&'static str> {
    let kinds = |spec: Option<&RestrictionsSpec>| {
        let spec = spec.cloned().unwrap_or_default();
        [("ip", spec.ip.is_some()), ("referrer", spec.referrer.is_some()), ("endpoint", spec.endpoint.is_some())]
    };
    let pairs = kinds(before).into_iter().zip(kinds(after));
    pairs.filter(|((_, was), (_, is))| *was && !is).map(|((kind, _), _)| kind).collect()
}

impl Restrictions {
    /// What was given; `None` if nothing was.
    pub(super) fn spec(&self) -> Option<RestrictionsSpec> {
        let mode = if self.observe { ModeSpec::Observe } else { ModeSpec::Enforce };
        let list = |list: &Vec<String>| Some(list.clone()).filter(|list| !list.is_empty());
        let ip = IpSpec { mode, allow: list(&self.ip_allow), deny: self.ip_deny.clone() };
        let referrer = |allow| ReferrerSpec { mode, allow, allow_missing: self.referrer_may_be_missing };
        let spec = RestrictionsSpec {
            ip: Some(ip).filter(|ip| ip.allow.is_some() || !ip.deny.is_empty()),
            referrer: list(&self.referrer).map(referrer),
            endpoint: list(&self.endpoint).map(|allow| EndpointSpec { mode, allow }),
        };
        Some(spec).filter(|spec| *spec != RestrictionsSpec::default())
    }
}
