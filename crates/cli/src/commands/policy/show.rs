//! `portcullis policy show` and `portcullis policy versions`.

use portcullis_api::policy::ListPolicyVersions;

use super::view;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

/// As many as one page can hold.
const PAGE: u32 = 1000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which version; absent = the one in force.
    version: Option<u64>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VersionsArgs {
    /// At most this many; absent = all.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// The text is data, so that it can be edited and published again; what is known of it is talk.
pub(super) async fn run(args: Args) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let policy = match args.version {
        Some(version) => client.policy_version(version).await?,
        None => client.policy().await?,
    };
    if args.output.json {
        output::json(&policy)?;
        return Ok(Exit::Success);
    }
    let about = &policy.about;
    let by = about.published_by.as_ref().map(|who| format!(" by {who}")).unwrap_or_default();
    output::talk(&format!("version {}, published {}{by}", about.version, about.published_at));
    output::data(policy.toml.trim_end_matches('\n'));
    Ok(Exit::Success)
}

pub(super) async fn versions(args: VersionsArgs) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let limit = args.limit.unwrap_or(usize::MAX);
    let mut query = ListPolicyVersions { limit: Some(PAGE), cursor: None };
    let mut versions = Vec::new();
    while versions.len() < limit {
        let page = client.policy_versions(&query).await?;
        versions.extend(page.data);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    versions.truncate(limit);
    if args.output.json {
        output::json(&versions)?;
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["version", "published", "by", "from", "note"]);
    for it in &versions {
        let version = format!("{}{}", it.version, if it.current { " (current)" } else { "" });
        let by = it.published_by.clone().unwrap_or_default();
        table.row([version, it.published_at.clone(), by, view::source(it), it.note.clone().unwrap_or_default()]);
    }
    output::data(&table.to_string());
    Ok(Exit::Success)
}
