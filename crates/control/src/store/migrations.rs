//! The schema's history, for both databases: versioned, forward only.
//!
//! Invariant: a script that has shipped never changes; a new one is added behind it, in both dialects.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// One step, in both dialects.
pub(super) struct Script {
    version: i64,
    description: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! scripts {
    ($($version:literal $file:literal $description:literal,)+) => {
        &[$(Script {
            version: $version,
            description: $description,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $file, ".sql")),
        },)+]
    };
}

/// Oldest first.
const SCRIPTS: &[Script] = scripts! {
    1 "0001_keys_and_organizations" "keys and organizations",
    2 "0002_successors" "successors",
    3 "0003_accounts_and_audit" "accounts and audit",
    4 "0004_policies" "policies",
    5 "0005_metadata_and_trials" "metadata and trials",
    6 "0006_fleet" "fleet",
    7 "0007_kept_answers" "kept answers",
    8 "0008_settings" "settings",
    11 "0011_predecessors" "predecessors",
    12 "0012_usage" "usage",
    13 "0013_plans_and_leases" "plans and leases",
    14 "0014_webhooks" "webhooks",
    15 "0015_credentials_and_token_keys" "credentials and token keys",
    16 "0016_apps_and_grants" "apps and grants",
    17 "0017_issuers" "issuers",
    18 "0018_skills_and_secrets" "skills and secrets",
    19 "0019_held_edge_keys" "held edge keys",
};

impl Script {
    /// What SQLite is told.
    pub(super) fn sqlite(&self) -> &'static str {
        self.sqlite
    }

    /// What PostgreSQL is told.
    pub(super) fn postgres(&self) -> &'static str {
        self.postgres
    }
}

/// The last step.
pub(crate) fn latest_migration() -> i64 {
    SCRIPTS.iter().map(|script| script.version).max().unwrap_or(0)
}

/// Brings a database up to date, in its dialect.
pub(super) fn migrator(dialect: fn(&Script) -> &'static str) -> Migrator {
    let migration = |script: &Script| {
        let sql = dialect(script).into_sql_str();
        Migration::new(script.version, script.description.into(), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(SCRIPTS.iter().map(migration).collect())
}
