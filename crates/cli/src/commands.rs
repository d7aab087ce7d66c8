//! One module for each subcommand: its arguments and what it does.

pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bundle;
pub(crate) mod denials;
pub(crate) mod edge_keys;
pub(crate) mod edges;
pub(crate) mod explain;
pub(crate) mod grants;
pub(crate) mod issuers;
pub(crate) mod keys;
mod limits;
pub(crate) mod members;
pub(crate) mod organizations;
pub(crate) mod plans;
pub(crate) mod policy;
pub(crate) mod quota;
pub(crate) mod receipt;
pub(crate) mod restore;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod signing_keys;
pub(crate) mod skills;
pub(crate) mod tokens;
pub(crate) mod usage;
pub(crate) mod webhooks;
pub(crate) mod whoami;

use std::future::Future;

use crate::exit::{Exit, Failure};

/// Runs what asks a control plane.
fn block_on(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command)
}
