//! `portcullis members remove`.

use super::{Place, user};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Their id or e-mail address.
    user: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let organization = args.place.id(&client).await?;
    let user = user(&client, &organization, &args.user).await?;
    client.remove_member(&organization, &user).await?;
    output::talk("removed; their sessions and personal tokens there no longer work");
    if args.output.json {
        output::json(&serde_json::json!({ "removed": user }))?;
    } else {
        output::data(&user);
    }
    Ok(Exit::Success)
}
