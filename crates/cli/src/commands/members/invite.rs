//! `portcullis members invite`.

use portcullis_api::CreateInvitation;

use super::{Place, RoleName};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The e-mail address it is for, which they will sign in with.
    email: String,
    /// What they will be.
    #[arg(long, value_enum)]
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
    let request = CreateInvitation { role: args.role.role(), email: args.email.clone() };
    let created = client.invite(&organization, &request).await?;
    if args.output.json {
        output::json(&created)?;
        return Ok(Exit::Success);
    }
    let until = &created.record.expires_at;
    output::talk(&format!("this link makes {} {}; it works once, until {until}", args.email, article(args.role)));
    output::data(created.url.expose());
    Ok(Exit::Success)
}

fn article(role: RoleName) -> &'static str {
    match role {
        RoleName::Owner => "an owner",
        RoleName::Admin => "an admin",
        RoleName::Member => "a member",
        RoleName::Viewer => "a viewer",
    }
}
