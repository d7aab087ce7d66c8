//! `portcullis tokens create`.

use portcullis_api::{CreateToken, TokenKind};

use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What people call it.
    name: String,
    /// What it may do, such as keys:read. Repeat it, or separate with commas.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// Make it nobody's, so that it stays when people leave; otherwise it is yours and acts as you.
    #[arg(long)]
    service: bool,
    /// When it stops working, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// The organisation's id; absent = the one your token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let request = CreateToken {
        name: args.name.clone(),
        scopes: args.scopes.clone(),
        kind: if args.service { TokenKind::Service } else { TokenKind::Personal },
        expires_at: args.expires_at.clone(),
        organization: args.organization.clone(),
    };
    let created = args.control.client()?.create_token(&request).await?;
    if args.output.json {
        output::json(&created)?;
        return Ok(Exit::Success);
    }
    output::talk(&format!("created {} `{}`", created.record.id, created.record.name));
    output::talk("this is the only time the token is shown; set it as PORTCULLIS_TOKEN:");
    output::data(created.token.expose());
    Ok(Exit::Success)
}
