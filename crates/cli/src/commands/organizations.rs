//! `portcullis organizations`: what keys belong to.

use portcullis_api::{CreateOrganization, CreateTopUp, Organization, OrganizationState, Patch, UpdateOrganization};

use super::block_on;
use super::limits::tokens;
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
    /// Give an organisation a plan or a time zone. Only the operator can give a plan.
    Set(Set),
    /// Give an organisation more tokens in the period that runs. Only the operator can.
    TopUp(TopUp),
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
pub(crate) struct Set {
    /// The organisation's id.
    id: String,
    /// Its plan's name; `none` = nobody counts.
    #[arg(long, required_unless_present = "time_zone")]
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
pub(crate) struct TopUp {
    /// The organisation's id.
    id: String,
    /// So many.
    #[arg(value_parser = tokens, allow_negative_numbers = true)]
    tokens: u64,
    /// Why, for people.
    #[arg(long, default_value = "")]
    note: String,
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
            Command::Set(args) => {
                let plan = match args.plan.as_deref() {
                    None => Patch::Keep,
                    Some("none") => Patch::Clear,
                    Some(name) => Patch::Set(name.to_owned()),
                };
                let time_zone = args.time_zone.map_or(Patch::Keep, Patch::Set);
                let change = UpdateOrganization { plan, time_zone, ..UpdateOrganization::default() };
                update(&args.control, &args.id, &change, args.output).await
            }
            Command::TopUp(args) => top_up(args).await,
            Command::Suspend(args) => set(&args, OrganizationState::Suspended).await,
            Command::Activate(args) => set(&args, OrganizationState::Active).await,
        }
    })
}

async fn top_up(args: TopUp) -> Result<Exit, Failure> {
    let request = CreateTopUp { tokens: args.tokens, note: args.note };
    let made = args.control.client()?.top_up(&args.id, &request).await?.value;
    if args.output.json {
        output::json(&made)?;
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["tokens", "until", "note"]);
    table.row([made.tokens.to_string(), made.period_end, made.note]);
    output::data(&table.to_string());
    Ok(Exit::Success)
}

async fn set(args: &One, state: OrganizationState) -> Result<Exit, Failure> {
    let change = UpdateOrganization { state: Patch::Set(state), ..UpdateOrganization::default() };
    update(&args.control, &args.id, &change, args.output).await
}

async fn update(control: &Control, id: &str, change: &UpdateOrganization, how: Output) -> Result<Exit, Failure> {
    let updated = control.client()?.update_organization(id, change).await?;
    output::enforced_from(updated.version);
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
    let mut table = Table::new(["id", "name", "state", "plan", "time zone", "created"]);
    for it in some {
        let state = match &it.state {
            OrganizationState::Active => "active".to_owned(),
            OrganizationState::Suspended => "suspended".to_owned(),
            OrganizationState::QuotaExhaustedUntil(time) => format!("quota exhausted until {time}"),
        };
        let state = if it.default { format!("{state}, default") } else { state };
        let plan = it.plan.clone().unwrap_or_default();
        table.row([it.id.clone(), it.name.clone(), state, plan, it.time_zone.clone(), it.created_at.clone()]);
    }
    output::data(&table.to_string());
    Ok(Exit::Success)
}
