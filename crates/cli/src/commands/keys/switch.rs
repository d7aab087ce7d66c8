//! `portcullis keys disable` and `portcullis keys enable`.

use portcullis_api::{Patch, UpdateKey};

use super::wait::Wait;
use super::{Id, view};
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    id: Id,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args, enabled: bool) -> Result<(), Failure> {
    let request = UpdateKey { enabled: Patch::Set(enabled), ..UpdateKey::default() };
    let client = args.control.client()?;
    let updated = client.update_key(args.id.get()?, &request).await.map_err(|error| args.id.refusal(error))?;
    let (done, effect) = if enabled { ("enabled", "accept") } else { ("disabled", "refuse") };
    output::talk(&format!("{done}; edges that enforce version {} {effect} it", updated.version));
    args.wait.receipt(&client, updated.version).await;
    view::print(&updated.value, args.output)
}
