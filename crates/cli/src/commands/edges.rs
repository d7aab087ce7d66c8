//! `portcullis edges`: the Envoys that report, and what each enforces.

use portcullis_api::status::Edge;

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let edges = args.control.client()?.list_edges().await?;
        if args.output.json {
            output::json(&edges)?;
            return Ok(Exit::Success);
        }
        let columns =
            ["edge", "state", "version", "behind", "opens with", "last report", "requests/s", "allowed", "denied"];
        let mut table = Table::new(columns);
        for edge in &edges {
            table.row([
                edge.edge.clone(),
                if edge.silent { "silent" } else { "live" }.to_owned(),
                edge.applied_version.to_string(),
                behind(edge),
                opens_with(edge),
                edge.last_report.clone(),
                format!("{:.1}", edge.requests_per_second),
                edge.allowed.to_string(),
                edge.denied_total.to_string(),
            ]);
        }
        output::data(&table.to_string());
        for edge in &edges {
            edge.errors.iter().for_each(|error| output::talk(&format!("{}: {error}", edge.edge)));
        }
        Ok(Exit::Success)
    })
}

fn behind(edge: &Edge) -> String {
    match edge.versions_behind {
        0 => "no".to_owned(),
        changes => format!("{changes} for {} s", edge.seconds_behind),
    }
}

/// The edges' keys that it has; nothing if it does not tell.
fn opens_with(edge: &Edge) -> String {
    match edge.edge_keys.as_deref() {
        None => String::new(),
        Some([]) => "no key".to_owned(),
        Some(keys) => keys.join(" "),
    }
}
