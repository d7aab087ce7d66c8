//! Pinned keys of the edges: secrets are sealed to these or not at all.

use std::env::VarError;

use portcullis_sdk::Pins;
use portcullis_sdk::seal::PublicKey;

use crate::exit::Failure;

/// Where they can come from without standing on the command line.
const VARIABLE: &str = "PORTCULLIS_EDGE_PUBLIC_KEYS";

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sealing")]
pub(crate) struct Pinned {
    /// A public key of the edges that values may be sealed to; if another is published, nothing is sent. Repeat it for each.
    ///
    /// Absent = those in PORTCULLIS_EDGE_PUBLIC_KEYS, separated by commas; without either, whichever the control plane
    /// publishes.
    #[arg(long = "edge-key", value_name = "HEX")]
    edge_keys: Vec<String>,
}

impl Pinned {
    /// Which keys values may be sealed to.
    pub(crate) fn pins(&self) -> Result<Pins, Failure> {
        match (&*self.edge_keys, std::env::var(VARIABLE)) {
            ([], Err(VarError::NotPresent)) => Ok(Pins::Published),
            ([], given) => from_environment(&given.unwrap_or_default()),
            (keys, _) => parse("--edge-key", keys.iter().map(String::as_str)),
        }
    }
}

/// Who sets the variable means to pin something: nothing in it is a mistake, and no leave to seal to whatever is published.
fn from_environment(text: &str) -> Result<Pins, Failure> {
    if text.trim().is_empty() {
        let hint = "hint: put the edges' public keys into it, or unset it to seal to whichever are published";
        return Err(Failure::usage(format!("{VARIABLE}: it is set, and there is no key in it\n{hint}")));
    }
    parse(VARIABLE, text.split(','))
}

/// What is no key is not repeated: it may be anything.
fn parse<'a>(from: &str, keys: impl Iterator<Item = &'a str>) -> Result<Pins, Failure> {
    let keys = keys.map(|text| text.trim().parse()).collect::<Result<Vec<PublicKey>, _>>();
    let hint = "hint: `portcullis edge-keys generate` printed it as the public key";
    keys.map(Pins::Only).map_err(|error| Failure::usage(format!("{from}: {error}\n{hint}")))
}
