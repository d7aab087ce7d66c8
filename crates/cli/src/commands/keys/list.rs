//! `portcullis keys list`.

use clap::ValueEnum;
use portcullis_api::keys::ListKeys;
use portcullis_api::{Key, KeyKind, KeyStatus};

use super::view::{age, last_used};
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;
use crate::table::Table;

/// As many as one page can hold.
const PAGE: u32 = 1000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this organisation's.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Only what is of this kind; absent = API keys and credentials.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<KeyKind>,
    /// Only those in this state.
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Only those of this environment.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only those with this text in their name, id, display, creator or metadata, in whatever case.
    ///
    /// For a whole key there is `portcullis keys find`: here it would be seen.
    #[arg(long, value_name = "TEXT")]
    q: Option<String>,
    /// Only those that should have been rotated.
    #[arg(long)]
    overdue: bool,
    /// Only those that work and were not used for 30 days.
    #[arg(long)]
    idle: bool,
    /// At most this many; absent = all.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Active,
    Disabled,
    Expired,
    Revoked,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client()?;
    let limit = args.limit.unwrap_or(usize::MAX);
    let status = args.status.map(|status| match status {
        Status::Active => KeyStatus::Active,
        Status::Disabled => KeyStatus::Disabled,
        Status::Expired => KeyStatus::Expired,
        Status::Revoked => KeyStatus::Revoked,
    });
    let mut query = ListKeys {
        organization: args.organization,
        kind: args.kind,
        status,
        environment: args.environment,
        q: args.q,
        overdue: args.overdue.then_some(true),
        idle: args.idle.then_some(true),
        limit: Some(PAGE),
        cursor: None,
    };
    let mut keys = Vec::new();
    while keys.len() < limit {
        let page = client.list_keys(&query).await?;
        keys.extend(page.data);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    keys.truncate(limit);
    print(&keys, args.output)
}

fn kind(text: &str) -> Result<KeyKind, String> {
    text.parse().map_err(|_| format!("expected one of {}", KeyKind::ALL.map(KeyKind::as_str).join(", ")))
}

fn print(keys: &[Key], how: Output) -> Result<(), Failure> {
    if how.json {
        return Ok(output::json(&keys)?);
    }
    output::data(&table(keys).to_string());
    Ok(())
}

/// Kinds are told where there are several.
fn table(keys: &[Key]) -> Table {
    let has_kinds = keys.iter().zip(keys.iter().skip(1)).any(|(one, next)| one.kind != next.kind);
    let mut table = match has_kinds {
        true => Table::new(["id", "name", "kind", "key", "environment", "status", "age", "last used", "scopes"]),
        false => Table::new(["id", "name", "key", "environment", "status", "age", "last used", "scopes"]),
    };
    for key in keys {
        let mut cells = vec![key.id.clone(), key.name.clone()];
        cells.extend(has_kinds.then(|| key.kind.as_str().to_owned()));
        cells.extend([key.display.clone(), key.environment.clone(), key.status.as_str().to_owned()]);
        cells.extend([age(key), last_used(key), key.scopes.join(" ")]);
        table.cells(cells);
    }
    table
}
