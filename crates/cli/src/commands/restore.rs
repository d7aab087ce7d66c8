//! `portcullis restore`: a copy put in the SQLite database's place.

use std::path::PathBuf;

use portcullis_control::Clock;
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
    /// The copy, as `portcullis backup` wrote it.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let database = args.database.database()?;
        let done = portcullis_control::backup::restore(&database, &args.data, &args.from, &Clock::system()).await?;
        let kept = done.kept.as_ref().map(|path| path.display().to_string());
        if args.output.json {
            let (version, keys, revived) = (done.version, done.keys, &done.revived);
            output::json(&json!({ "version": version, "keys": keys, "kept": kept, "revived": revived }))?;
        } else {
            output::data(&format!("restored: version {}, {} keys", done.version, done.keys));
        }
        kept.iter().for_each(|kept| output::talk(&format!("what was there is kept in {kept}")));
        match done.revived.as_deref() {
            Some([]) => {}
            Some(keys) => output::talk(&format!(
                "warning: {} keys that were revoked since work again: revoke them\n{}",
                keys.len(),
                keys.join("\n")
            )),
            None => output::talk("warning: what was there cannot be read: keys that were revoked since work again"),
        }
        Ok(Exit::Success)
    })
}
