//! `portcullis skills create`.

use portcullis_api::CreateSkill;

use super::print;
use super::uses::{Uses, refusal};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What people call it: lower-case letters, digits, `-` and `_`, beginning with a letter.
    name: String,
    /// Make it the organisation's, which finds the team's secrets only; absent = yours, which finds your own before the team's.
    #[arg(long)]
    team: bool,
    /// For people.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    uses: Uses,
    /// The organisation's id; absent = the one your token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let services = args.uses.links()?;
    if services.is_empty() {
        return Err(Failure::usage(
            "no service given\nhint: --use weather:weather_api_key; `[[services]]` of the policy has them",
        ));
    }
    let request = CreateSkill {
        name: args.name.clone(),
        description: args.description.clone(),
        team: args.team,
        organization: args.organization.clone(),
        services,
    };
    let made = args.control.client()?.create_skill(&request).await;
    let made = made.map_err(|error| refusal(error, &request.services))?;
    output::talk(&format!("made {}; `portcullis keys create --skill {0}` makes a key for it", made.value.id));
    print(&made.value, args.output.json)
}
