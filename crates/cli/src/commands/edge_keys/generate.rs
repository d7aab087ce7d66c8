//! `portcullis edge-keys generate`.
//!
//! Invariants: the private half is printed once and sent nowhere; the public half is added only when the private one was
//! printed, so that nothing is ever sealed to a key that nobody has.

use std::io::Write as _;

use portcullis_api::AddEdgeKey;
use portcullis_sdk::Client;
use portcullis_seal::{PrivateKey, PublicKey};
use serde_json::json;
use zeroize::Zeroizing;

use super::change::added;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

/// What the plugin's configuration calls `edge_keys_env`.
const VARIABLE: &str = "PORTCULLIS_EDGE_KEYS";
const WHERE_IT_GOES: &str = "put that line into the environment of each Envoy, beside other private keys that it has, separated by commas; \
                             the plugin's `edge_keys_env` and the VM's `host_env_keys` name the variable";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For people: whose edges have it.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Only make it: `portcullis edge-keys add` has secrets sealed to it later.
    #[arg(long, conflicts_with = "description")]
    no_add: bool,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let client = if args.no_add { None } else { Some(args.control.client()?) };
    let private = made()?;
    let public = private.public();
    if !args.output.json {
        output::talk(&format!("made {}; its public key is {public}", public.name()));
        output::talk("this is the only time the private half is shown:");
    }
    print(&private, args.output)?;
    if !args.output.json {
        output::talk(WHERE_IT_GOES);
    }
    match client {
        Some(client) => add(&client, public, args).await?,
        None => output::talk(&format!("secrets are sealed to it after `portcullis edge-keys add {public}`")),
    }
    Ok(Exit::Success)
}

fn made() -> Result<PrivateKey, Failure> {
    let mut bytes = Zeroizing::new([0; 32]);
    let none = |_| Failure::unable("the operating system gives no random bytes");
    getrandom::fill(bytes.as_mut_slice()).map_err(none)?;
    Ok(PrivateKey::from_bytes(*bytes))
}

/// Unlike other output, this must arrive.
fn print(private: &PrivateKey, how: Output) -> Result<(), Failure> {
    let exposed = Zeroizing::new(private.expose());
    let line = Zeroizing::new(format!("{VARIABLE}={}", *exposed));
    let mut stdout = std::io::stdout();
    if how.json {
        let public = private.public();
        let all = json!({ "id": public.name().to_string(), "public_key": public.to_string(), "env": *line });
        writeln!(stdout, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        writeln!(stdout, "{}", *line)?;
    }
    Ok(stdout.flush()?)
}

async fn add(client: &Client, public: PublicKey, args: &Args) -> Result<(), Failure> {
    let request = AddEdgeKey { public_key: public.to_string(), description: args.description.clone() };
    match client.add_edge_key(&request).await {
        Ok(written) => {
            added(client, &written).await;
            Ok(())
        }
        Err(error) => Err(Failure::unable(format!(
            "it is made, and not added: {error}\nhint: `portcullis edge-keys add {public}`, or throw it away"
        ))),
    }
}
