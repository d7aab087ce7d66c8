//! `portcullis secrets`: values that skills use at the edge and nobody sees.
//!
//! Invariant: a value comes from a prompt or stdin, leaves this machine sealed, and is in no output.

mod change;
mod look;
mod set;
mod which;

use portcullis_api::SecretRecord;

use super::block_on;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a secret, or enter another value for it. The value is asked for, or read from stdin.
    Set(set::Args),
    /// List secrets, newest first. Nobody sees their values.
    List(look::List),
    /// Show a secret: which skills use it, who entered it when, and when it was used last.
    Show(look::Show),
    /// Say what a secret is for.
    Describe(change::Describe),
    /// Delete a secret.
    Delete(change::Delete),
}

/// What is said of a command line that is wrong and may hold a value.
pub(crate) fn unseen(error: &clap::Error) -> Option<Failure> {
    let is_set = std::env::args_os().skip(1).take(2).eq(["secrets", "set"]);
    if is_set { set::unseen(error) } else { None }
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Set(args) => block_on(set::run(args)),
        Command::List(args) => block_on(look::list(args)),
        Command::Show(args) => block_on(look::show(args)),
        Command::Describe(args) => block_on(change::describe(args)),
        Command::Delete(args) => block_on(change::delete(args)),
    }
}

fn table<'a>(secrets: impl IntoIterator<Item = &'a SecretRecord>) -> Table {
    let mut table = Table::new([
        "id",
        "name",
        "organization",
        "owner",
        "revision",
        "entered at",
        "last used",
        "skills",
        "not sealed to",
        "description",
    ]);
    for it in secrets {
        table.row([
            it.id.clone(),
            it.name.clone(),
            it.organization.clone(),
            owner(it),
            it.revision.to_string(),
            it.replaced_at.clone(),
            it.last_used_at.clone().unwrap_or_else(|| "never".to_owned()),
            it.skill_count.to_string(),
            it.unsealed.join(" "),
            it.description.clone(),
        ]);
    }
    table
}

fn owner(secret: &SecretRecord) -> String {
    secret.owner.clone().unwrap_or_else(|| "the team".to_owned())
}

/// One secret, as a table of its members.
fn print(it: &SecretRecord, as_json: bool) -> Result<Exit, Failure> {
    if as_json {
        output::json(it)?;
        return Ok(Exit::Success);
    }
    let by = |who: &Option<String>| who.as_ref().map(|who| format!(" by {who}")).unwrap_or_default();
    let mut table = Table::pairs();
    for (name, value) in [
        ("id", it.id.clone()),
        ("name", it.name.clone()),
        ("description", it.description.clone()),
        ("organization", it.organization.clone()),
        ("owner", owner(it)),
        ("made", format!("{}{}", it.created_at, by(&it.created_by))),
        ("entered", format!("{}{}, revision {}", it.replaced_at, by(&it.replaced_by), it.revision)),
        ("last used", it.last_used_at.clone().unwrap_or_else(|| "never".to_owned())),
        ("skills", skills(it)),
        (
            "sealed to",
            if it.unsealed.is_empty() {
                "every key there is".to_owned()
            } else {
                format!("all but {}", it.unsealed.join(" "))
            },
        ),
    ] {
        table.row([name.to_owned(), value]);
    }
    output::data(&table.to_string());
    Ok(Exit::Success)
}

fn skills(secret: &SecretRecord) -> String {
    let mut skills: Vec<_> = secret.skills.iter().map(|it| format!("{} ({})", it.name, it.id)).collect();
    let unseen = secret.skill_count.saturating_sub(secret.skills.len() as u64);
    if unseen > 0 {
        skills.push(format!("{unseen} of others"));
    }
    if skills.is_empty() { "none".to_owned() } else { skills.join(", ") }
}
