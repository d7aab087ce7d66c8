//! `canary`: values that nobody has by chance are entered in every way, used in every way and misspelt in every way; then they are
//! looked for in everything that the system writes, tells or keeps.
//!
//! On SQLite and on PostgreSQL. Looked for are values as they are, escaped, in base64 at any offset, in hexadecimal and as lists of
//! numbers; and the edges' private key. Invariant: before anything is looked for, the values were really used, so that there was
//! something to leak.

mod artefacts;
mod forms;
mod planted;

use crate::database::Database;
use crate::report::Report;
use crate::stack::{Setup, Stack};
use crate::tools;
pub(super) use forms::forms;
use planted::Planted;

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    println!("on SQLite:");
    run_on(None, report).await?;
    println!("on PostgreSQL:");
    let database = Database::create("canary")?;
    run_on(Some(&database), report).await
}

async fn run_on(database: Option<&Database>, report: &mut Report) -> anyhow::Result<()> {
    let mut setup = Setup::policy(tools::root()?.join("e2e/policies/services.toml"))?;
    setup.database = database.map(Database::url).transpose()?;
    let mut stack = Stack::start(setup).await?;
    let control = stack.control()?;
    let planted = Planted::plant(&stack, &control, report).await?;
    planted.use_all(&stack, report).await?;
    planted.mistake(&control, report).await?;
    let private = stack.services()?.private_key().to_owned();
    let all: Vec<&str> = planted.values().chain([private.as_str()]).collect();
    artefacts::memory(&stack, &planted, report)?;
    artefacts::told(&stack, &control, &all, report).await?;
    artefacts::copies(&stack, database, &all, report)?;
    // What is written when they end belongs to it.
    stack.stop_envoy();
    stack.stop_control();
    artefacts::files(stack.data(), &all, report)
}
