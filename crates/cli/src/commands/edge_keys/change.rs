//! `portcullis edge-keys list`, `add` and `remove`.

use portcullis_api::{AddEdgeKey, EdgeKey, KeyHolders};
use portcullis_sdk::seal::PublicKey;
use portcullis_sdk::{Client, Written};

use super::table;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::refused::forcible;

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// The public key, as 64 hexadecimal digits. Never the private half, which only edges have.
    #[arg(value_name = "PUBLIC")]
    public_key: String,
    /// For people: whose edges have the private half.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// The key's id, its first 16 hexadecimal digits, or all of it.
    id: String,
    /// Remove it although secrets are sealed to it alone, or edges need it. No edge can use those secrets until their values are
    /// entered again, and those edges can use none until they have another key.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn list(args: &List) -> Result<Exit, Failure> {
    let keys = args.control.client()?.list_edge_keys().await?;
    let is_nobodys = |key: &&EdgeKey| key.edges.is_some_and(KeyHolders::is_nobodys);
    for key in keys.iter().filter(is_nobodys) {
        output::talk(&format!(
            "warning: no edge has the private half of {}: what is sealed to it alone can be used nowhere",
            key.id
        ));
    }
    output::print(args.output, &keys, || table(&keys))
}

pub(super) async fn add(args: &Add) -> Result<Exit, Failure> {
    // What is no key is not repeated: somebody may hold something else in their hand.
    let key: PublicKey = args.public_key.trim().parse().map_err(Failure::usage)?;
    let request = AddEdgeKey { public_key: key.to_string(), description: args.description.clone() };
    let client = args.control.client()?;
    let written = client.add_edge_key(&request).await?;
    added(&client, &written).await;
    output::print(args.output, &written.value, || table([&written.value]))
}

/// What follows from a key that was added. It is added already: nothing fails here.
pub(super) async fn added(client: &Client, written: &Written<EdgeKey>) {
    output::talk(&format!("added {}: secrets that are entered from now on are sealed to it too", written.value.id));
    let unsealed = client.list_edge_keys().await.map(|keys| keys.iter().map(|it| it.unsealed).sum::<u64>());
    if unsealed.is_ok_and(|number| number > 0) {
        output::talk("secrets that were there are not: `portcullis edge-keys rotate` lists them");
    }
}

pub(super) async fn remove(args: &Remove) -> Result<Exit, Failure> {
    let key = args.id.parse::<PublicKey>();
    let id = key.map_or_else(|_| args.id.clone(), |key| key.name().to_string());
    let removed = args.control.client()?.remove_edge_key(&id, args.force).await.map_err(forcible)?;
    if args.output.json {
        output::json(&removed.value)?;
    }
    output::talk(&format!(
        "removed {id}: its private half opens nothing any more; edges that have no other answer 503 `secret_unavailable`"
    ));
    output::enforced_from(removed.version);
    Ok(Exit::Success)
}
