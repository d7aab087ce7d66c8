//! `replicas`: two control planes on one PostgreSQL, an Envoy at each.
//!
//! A change made at one reaches the Envoy of the other, both give the same bundle, and either may be killed. Invariant:
//! whatever either has answered, the other knows.

use crate::database::Database;
use crate::report::Report;
use crate::stack::{Setup, Stack};

mod changes;
mod kill;
mod manifests;

const PATH: &str = "/api/v1/skills";

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let database = Database::create("replicas")?;
    let setup = Setup { database: Some(database.url()?), ..Setup::preset("systemprompt")? };
    let one = Stack::start(setup.clone()).await?;
    let shared = Some(one.control_data());
    let ports = crate::ports::Ports::free()?;
    let other = Stack::start(Setup { ports, secrets: shared, edge_id: "edge-2", ..setup }).await?;
    let mut replicas = [one, other];
    let watches = manifests::watch(&replicas)?;
    changes::run(&replicas, report).await?;
    manifests::compare(watches, report).await?;
    kill::run(&mut replicas, report).await
}
