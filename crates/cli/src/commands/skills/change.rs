//! `portcullis skills update` and `delete`.

use portcullis_api::{Patch, UpdateSkill};

use super::print;
use super::uses::{Uses, refusal};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::refused::forcible;

#[derive(Debug, clap::Args)]
pub(crate) struct Update {
    /// The skill's id: `skl_` and 16 characters.
    id: String,
    /// For people.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    uses: Uses,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    /// The skill's id: `skl_` and 16 characters.
    id: String,
    /// Delete it although keys belong to it: they belong to none then, and may use no service.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn update(args: &Update) -> Result<Exit, Failure> {
    let services = args.uses.links()?;
    let request = UpdateSkill {
        description: args.description.clone().map_or(Patch::Keep, Patch::Set),
        services: if services.is_empty() { Patch::Keep } else { Patch::Set(services.clone()) },
    };
    if request == UpdateSkill::default() {
        return Err(Failure::usage("nothing to change\nhint: give --use or --description"));
    }
    let updated = args.control.client()?.update_skill(&args.id, &request).await;
    let updated = updated.map_err(|error| refusal(error, &services))?;
    output::enforced_from(updated.version);
    print(&updated.value, args.output.json)
}

pub(super) async fn delete(args: &Delete) -> Result<Exit, Failure> {
    let deleted = args.control.client()?.delete_skill(&args.id, args.force).await.map_err(forcible)?;
    if args.output.json {
        output::json(&deleted.value)?;
    }
    output::talk(&format!("deleted {} `{}`", deleted.value.id, deleted.value.name));
    output::enforced_from(deleted.version);
    Ok(Exit::Success)
}
