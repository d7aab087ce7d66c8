//! `portcullis apps update`, `rotate` and `revoke`.

use portcullis_api::{Patch, UpdateApp};

use super::{print_secret, refusal, table};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Update {
    /// The app's id: `app_` and 16 characters.
    id: String,
    /// Another name.
    #[arg(long)]
    name: Option<String>,
    /// Where people are sent back to, instead of those so far; more than once for several.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// The most that it may ask for, instead of what it was.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// For which environments, instead of those so far.
    #[arg(long = "environment", value_name = "NAME", value_delimiter = ',')]
    environments: Vec<String>,
    /// Whether members of every organisation may use it. Only the operator may say so.
    #[arg(long, value_name = "BOOL")]
    everyone: Option<bool>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The app's id: `app_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn update(args: &Update) -> Result<Exit, Failure> {
    let list = |sent: &Vec<String>| if sent.is_empty() { Patch::Keep } else { Patch::Set(sent.clone()) };
    let request = UpdateApp {
        name: args.name.clone().map_or(Patch::Keep, Patch::Set),
        redirect_uris: list(&args.redirect_uris),
        scopes: list(&args.scopes),
        environments: list(&args.environments),
        everyone: args.everyone.map_or(Patch::Keep, Patch::Set),
    };
    if request == UpdateApp::default() {
        let hint = "hint: give --name, --redirect-uri, --scope, --environment or --everyone";
        return Err(Failure::usage(format!("nothing to change\n{hint}")));
    }
    let updated = args.control.client()?.update_app(&args.id, &request).await;
    let updated = updated.map_err(|error| refusal(error, &args.redirect_uris, &args.scopes, &args.environments))?;
    output::print(args.output, &updated, || table([&updated]))
}

pub(super) async fn rotate(args: &One) -> Result<Exit, Failure> {
    let made = args.control.client()?.rotate_app(&args.id).await?;
    print_secret(&made, "gave another secret to", args.output)
}

pub(super) async fn revoke(args: &One) -> Result<Exit, Failure> {
    let revoked = args.control.client()?.revoke_app(&args.id).await?;
    if args.output.json {
        output::json(&revoked.value)?;
    } else {
        output::talk(&format!("revoked {}", revoked.value.id));
        output::enforced_from(revoked.version);
    }
    Ok(Exit::Success)
}
