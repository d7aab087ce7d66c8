//! Every file of SQL, which is beside this one. Each database mounts this file, so that all of it is compiled for each, with
//! that database's types in place of `Connection`, `Db`, `Row` and `SqlStore`.

mod accounts;
mod answers;
mod apps;
mod attention;
mod audit;
mod boots;
pub(super) mod columns;
mod deliveries;
mod denials;
mod edge_keys;
mod edges;
mod grants;
mod intake;
mod invitations;
mod issuers;
pub(super) mod key_rows;
pub(super) mod keys;
mod leases;
mod members;
mod metered;
mod meters;
mod observations;
mod organizations;
mod periods;
mod plans;
mod policies;
mod quota_events;
mod reports;
mod secrets;
mod sessions;
mod settings;
mod skill_sources;
mod skills;
pub(super) mod store;
mod token_keys;
mod tokens;
mod upkeep;
mod usage;
mod users;
mod webhooks;

#[cfg(test)]
pub(in crate::store) fn planned() -> Vec<(String, &'static str)> {
    let keys = keys::planned().into_iter().chain(issuers::planned());
    keys.chain(usage::planned()).chain(skill_sources::planned()).collect()
}

use super::{Connection, Db, LEAST, LOCK, Pool, Row, SUM, SqlStore, announce, changed_keys, hold_version, summaries};
