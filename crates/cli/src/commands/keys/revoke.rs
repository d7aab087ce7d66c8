//! `portcullis keys revoke`.

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

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client()?;
    let revoked = client.revoke_key(args.id.get()?).await.map_err(|error| args.id.refusal(error))?;
    output::talk(&format!("revoked; edges that enforce version {} refuse it", revoked.version));
    args.wait.receipt(&client, revoked.version).await;
    view::print(&revoked.value, args.output)
}
