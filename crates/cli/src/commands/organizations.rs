//! `portcullis organizations`: what keys belong to.

use portcullis_api::{CreateOrganization, Organization, OrganizationState, Patch, UpdateOrganization};

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List organisations, oldest first.
    List(List),
    /// Make an organisation. Only the operator can.
    Create(Create),
    /// Give an organisation another name.
    Rename(Rename),
    /// Suspend an organisation: none of its keys works until it is activated. Only the operator can.
    Suspend(One),
    /// Let a suspended organisation's keys work again. Only the operator can.
    Activate(One),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// What people call it.
    name: String,
    /// Its plan's name.
    #[arg(long)]
    plan: Option<String>,
    /// Its time zone: `Europe/Berlin`.
    #[arg(long)]
    time_zone: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rename {
    /// The organisation's id.
    id: String,
    /// Its new name.
    name: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The organisation's id.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// Runs one of them.
pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    block_on(async {
        match command {
            Command::List(args) => {
                let all = args.control.client()?.list_organizations().await?;
                print(&all, args.output, || output::json(&all))
            }
            Command::Create(args) => {
                let request = CreateOrganization { name: args.name, plan: args.plan, time_zone: args.time_zone };
                let made = args.control.client()?.create_organization(&request).await?.value;
                print(std::slice::from_ref(&made), args.output, || output::json(&made))
            }
            Command::Rename(args) => {
                let change = UpdateOrganization { name: Patch::Set(args.name), ..UpdateOrganization::default() };
                update(&args.control, &args.id, &change, args.output).await
            }
            Command::Suspend(args) => set(&args, OrganizationState::Suspended).await,
            Command::Activate(args) => set(&args, OrganizationState::Active).await,
        }
    })
}

async fn set(args: &One, state: OrganizationState) -> Result<Exit, Failure> {
    let change = UpdateOrganization { state: Patch::Set(state), ..UpdateOrganization::default() };
    update(&args.control, &args.id, &change, args.output).await
}

async fn update(control: &Control, id: &str, change: &UpdateOrganization, how: Output) -> Result<Exit, Failure> {
    let updated = control.client()?.update_organization(id, change).await?;
    output::talk(&format!("edges that enforce version {} know", updated.version));
    print(std::slice::from_ref(&updated.value), how, || output::json(&updated.value))
}

fn print(
    some: &[Organization],
    how: Output,
    json: impl FnOnce() -> Result<(), serde_json::Error>,
) -> Result<Exit, Failure> {
    if how.json {
        json()?;
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["id", "name", "state", "created"]);
    for it in some {
        let state = match &it.state {
            OrganizationState::Active => "active".to_owned(),
            OrganizationState::Suspended => "suspended".to_owned(),
            OrganizationState::QuotaExhaustedUntil(time) => format!("quota exhausted until {time}"),
        };
        let state = if it.default { format!("{state}, default") } else { state };
        table.row([it.id.clone(), it.name.clone(), state, it.created_at.clone()]);
    }
    output::data(&table.to_string());
    Ok(Exit::Success)
}
