//! `portcullis webhooks update` and `remove`.

use portcullis_api::{Patch, UpdateWebhook};

use super::table;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Update {
    /// The webhook's id: `whk_` and 16 characters.
    id: String,
    /// Another address.
    #[arg(long)]
    url: Option<String>,
    /// What it is told of, instead of what it was.
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<String>,
    /// Whether it is told anything.
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// The webhook's id: `whk_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
}

pub(super) async fn update(args: &Update) -> Result<Exit, Failure> {
    let request = UpdateWebhook {
        url: args.url.clone().map_or(Patch::Keep, Patch::Set),
        events: if args.events.is_empty() { Patch::Keep } else { Patch::Set(args.events.clone()) },
        enabled: args.enabled.map_or(Patch::Keep, Patch::Set),
    };
    if request == UpdateWebhook::default() {
        let hint = "hint: give --url, --event or --enabled";
        return Err(Failure::usage(format!("nothing to change\n{hint}")));
    }
    let updated = args.control.client()?.update_webhook(&args.id, &request).await?;
    output::print(args.output, &updated, || table([&updated]))
}

pub(super) async fn remove(args: &Remove) -> Result<Exit, Failure> {
    args.control.client()?.remove_webhook(&args.id).await?;
    output::talk(&format!("removed {}", args.id));
    Ok(Exit::Success)
}
