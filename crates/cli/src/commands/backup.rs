//! `portcullis backup`: a copy of the SQLite database, also while it is served from.

use std::path::PathBuf;

use serde_json::json;

use super::block_on;
use crate::args::{Database, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder of the control plane.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    #[command(flatten)]
    database: Database,
    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let copied = portcullis_control::backup::backup(&args.database.database()?, &args.data, &args.out).await?;
        if args.output.json {
            output::json(&json!({ "version": copied.version, "keys": copied.keys, "bytes": copied.bytes }))?;
        } else {
            let (file, version, keys) = (args.out.display(), copied.version, copied.keys);
            output::data(&format!("{file}: version {version}, {keys} keys, {} bytes, found whole", copied.bytes));
        }
        output::talk(
            "the database alone: keep signing-key, admin-token and edge-token of the data folder elsewhere, too",
        );
        Ok(Exit::Success)
    })
}
