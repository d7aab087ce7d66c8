//! `secrets`: skills call services through a real Envoy, and the services get credentials that the callers do not have.
//!
//! The service is a fake that wants its credential and tells whom it takes the caller for; values are sealed here, by the control
//! plane and by PyNaCl. Invariant: what is refused is refused for a reason that is checked too.

mod calls;
mod edge_keys;
pub(in crate::scenario) mod home;
mod interop;
mod replacing;

use crate::report::Report;
use crate::stack::{Setup, Stack};
use crate::tools;
use home::Home;

const WORKERS: u32 = 2;

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let policy = tools::root()?.join("e2e/policies/services.toml");
    let stack = Stack::start(Setup::policy(policy)?.workers(WORKERS)).await?;
    let control = stack.control()?;
    let without = control.call("POST", "/v1/secrets", Some(&home::plain("weather_api_key", "early-value"))).await?;
    report.equal("without a key of the edges nothing is sealed", without.gist(), "409 no_edge_keys".to_owned());
    let mut home = Home::furnish(&stack, &control).await?;
    calls::run(&stack, &home, report).await?;
    interop::run(&stack, &home, report).await?;
    replacing::run(&stack, &mut home, report).await?;
    edge_keys::run(&stack, &mut home, report).await
}
