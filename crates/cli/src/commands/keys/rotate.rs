//! `portcullis keys rotate`.

use portcullis_api::RotateKey;
use portcullis_sdk::Client;

use super::wait::Wait;
use super::{Id, view};
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    id: Id,
    /// How long the old key goes on working, in seconds; never longer than it would have.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = seconds)]
    overlap: u32,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let request = RotateKey { overlap_seconds: args.overlap };
    let (client, id) = (args.control.client()?, args.id.get()?);
    let created = client.rotate_key(id, &request).await.map_err(|error| args.id.refusal(error))?;
    view::print_created(&created.value, args.output)?;
    if !args.output.json {
        output::talk(&fate(&client, id, args.overlap).await);
    }
    args.wait.receipt(&client, created.version).await;
    Ok(())
}

/// What becomes of the old key. The new one is printed already: nothing fails here.
async fn fate(client: &Client, id: &str, overlap: u32) -> String {
    if overlap == 0 {
        return format!("the old key {id} stopped working now (--overlap 0)");
    }
    match client.show_key(id).await.ok().and_then(|key| key.expires_at) {
        Some(time) => format!("the old key {id} works until {time}"),
        None => format!("the old key {id} works for {overlap} seconds at most"),
    }
}

fn seconds(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "expected seconds, such as 86400")
}
