//! `portcullis keys import`: keys that were made elsewhere, from a table or JSON.
//!
//! Invariant: what leaves this machine are digests; with `--hash` they are made here.

mod batch;
mod hash;

use std::io::Read;
use std::path::{Path, PathBuf};

use portcullis_api::keys::ImportKeys;
use portcullis_api::{Data, Key};
use portcullis_sdk::{Client, Error, Written};

use super::wait::Wait;
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;

/// As many as the control plane takes at once.
const BATCH: usize = 1000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, `.csv` or `.json`; `-` = a table on stdin.
    ///
    /// A table begins with a header row: name, sha256, prefix, and if need be environment, organization, scopes
    /// (separated by spaces), expires_at, display, created_by, created_at, metadata.NAME. JSON is a list of objects with
    /// the same members, or `{"keys": [...]}`.
    file: PathBuf,
    /// The file holds whole keys, in `key` in place of `sha256`: hash them here, and send the digests alone.
    #[arg(long)]
    hash: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// Something to send at once.
enum Batch {
    Table(Vec<u8>),
    Json(ImportKeys),
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client()?;
    let text = read(&args.file)?;
    let is_json = args.file.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
    let batches = match (is_json, args.hash) {
        (true, hash) => batch::of_json(&text, hash)?,
        (false, true) => batch::of_table(&hash::table(&text)?)?,
        (false, false) => batch::of_table(&text)?,
    };
    let mut imported: Vec<Key> = Vec::new();
    let mut version = None;
    for batch in batches {
        let done = send(&client, batch).await.map_err(|error| stopped(error, imported.len()))?;
        imported.extend(done.value.data);
        version = Some(done.version);
    }
    let Some(version) = version else { return Err(Failure::usage("there are no keys in it")) };
    output::talk(&format!("imported {} keys; edges that enforce version {version} know them", imported.len()));
    args.wait.receipt(&client, version).await;
    print(&imported, args.output)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    if file == Path::new("-") {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text)?;
        return Ok(text);
    }
    std::fs::read(file).map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", file.display())))
}

async fn send(client: &Client, batch: Batch) -> Result<Written<Data<Key>>, Error> {
    match batch {
        Batch::Table(table) => client.import_table(table).await,
        Batch::Json(keys) => client.import_keys(&keys).await,
    }
}

/// Batches go in one after the other, each as a whole.
fn stopped(error: Error, imported: usize) -> Failure {
    match (error, imported) {
        (error, 0) => Failure::from(error),
        (error, imported) => Failure::unable(format!(
            "{error}\nhint: the first {imported} keys of the file are imported; take them out before you try again"
        )),
    }
}

fn print(keys: &[Key], how: Output) -> Result<(), Failure> {
    if how.json {
        return Ok(output::json(&keys)?);
    }
    for key in keys {
        output::data(&format!("{}  {}", key.id, key.name));
    }
    Ok(())
}
