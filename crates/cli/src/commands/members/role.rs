//! `portcullis members role`.

use portcullis_api::UpdateMember;

use super::{Place, RoleName, user};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Their id or e-mail address.
    user: String,
    /// What they are from now on.
    #[arg(value_enum)]
    role: RoleName,
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
    let member = client.update_member(&organization, &user, &UpdateMember { role: args.role.role() }).await?;
    if args.output.json {
        output::json(&member)?;
    } else {
        output::data(&format!("{} {} {}", member.user, member.email, member.role.as_str()));
    }
    Ok(Exit::Success)
}
