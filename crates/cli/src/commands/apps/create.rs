//! `portcullis apps create`.

use portcullis_api::CreateApp;

use super::{print_secret, refusal};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

const NO_SCOPES: &str = "hint: without --scope people can allow it nothing that a rule wants a scope for";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What people call it: they read it when they are asked.
    name: String,
    /// Where people are sent back to; more than once for several.
    #[arg(long = "redirect-uri", value_name = "URI", required = true)]
    redirect_uris: Vec<String>,
    /// The most that it may ask for, such as skills:read.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// For which environments; absent = every one that there is now.
    #[arg(long = "environment", value_name = "NAME", value_delimiter = ',')]
    environments: Vec<String>,
    /// It can keep no secret: it runs in a browser, on a phone, on somebody's machine.
    #[arg(long)]
    public: bool,
    /// Members of every organisation may use it. Only the operator may say so.
    #[arg(long)]
    everyone: bool,
    /// The organisation's id; absent = the one your token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let request = CreateApp {
        name: args.name.clone(),
        redirect_uris: args.redirect_uris.clone(),
        scopes: args.scopes.clone(),
        environments: (!args.environments.is_empty()).then(|| args.environments.clone()),
        public: args.public,
        everyone: args.everyone,
        organization: args.organization.clone(),
    };
    let made = args.control.client()?.create_app(&request).await;
    let made = made.map_err(|error| refusal(error, &args.redirect_uris, &args.scopes, &args.environments))?;
    let exit = print_secret(&made, "registered", args.output)?;
    if args.scopes.is_empty() && !args.output.json {
        output::talk(NO_SCOPES);
    }
    Ok(exit)
}
