//! `portcullis keys find`: whose key somebody holds in their hand.
//!
//! Invariant: the key comes from stdin, never from the command line, and is not printed.

use std::io::{IsTerminal, Read};

use portcullis_api::ApiKey;
use portcullis_api::keys::FindKey;
use portcullis_sdk::Error;

use super::view;
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;

/// Longer than any key.
const MAX_LENGTH: u64 = 64 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client()?;
    let request = FindKey { key: ApiKey::new(read()?) };
    let found = client.find_key(&request).await.map_err(|error| match error {
        Error::Refused(problem) if problem.code == "not_found" => Failure::no("no key here has that text"),
        other => Failure::from(other),
    })?;
    view::print(&found, args.output)
}

/// One line from a person, everything from a program.
fn read() -> Result<String, Failure> {
    let mut text = String::new();
    if std::io::stdin().is_terminal() {
        output::talk("paste the key and press Enter (it shows on the screen, and stays out of the shell's history):");
        std::io::stdin().read_line(&mut text)?;
    } else {
        std::io::stdin().take(MAX_LENGTH).read_to_string(&mut text)?;
    }
    match text.trim() {
        "" => Err(Failure::usage("no key given\nhint: portcullis keys find < file-with-the-key")),
        key => Ok(key.to_owned()),
    }
}
