//! `portcullis members`: who belongs to an organisation, and who is invited.

mod invite;
mod list;
mod remove;
mod role;

use clap::ValueEnum;
use portcullis_api::{Member, Role, WhichPage};
use portcullis_sdk::Client;

use super::block_on;
use crate::exit::{Exit, Failure};
use crate::paging::{self, LARGEST_PAGE};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List members, those who came first before the others, and who is invited.
    List(list::Args),
    /// Invite somebody. The link is shown once.
    Invite(invite::Args),
    /// Change what a member is.
    Role(role::Args),
    /// Remove a member: their sessions and personal tokens end at once.
    Remove(remove::Args),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(args) => block_on(list::run(args)),
        Command::Invite(args) => block_on(invite::run(args)),
        Command::Role(args) => block_on(role::run(args)),
        Command::Remove(args) => block_on(remove::run(args)),
    }
}

/// Which organisation.
#[derive(Debug, clap::Args)]
struct Place {
    /// The organisation's id; absent = the one the token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
}

impl Place {
    async fn id(&self, client: &Client) -> Result<String, Failure> {
        match &self.organization {
            Some(id) => Ok(id.clone()),
            None => Ok(client.me().await?.organization),
        }
    }
}

/// What a member is.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    /// Makes and unmakes owners.
    Owner,
    /// Manages members, service tokens and the organisation.
    Admin,
    /// Manages keys.
    Member,
    /// Looks.
    Viewer,
}

impl RoleName {
    fn role(self) -> Role {
        match self {
            Self::Owner => Role::Owner,
            Self::Admin => Role::Admin,
            Self::Member => Role::Member,
            Self::Viewer => Role::Viewer,
        }
    }
}

/// Every member of an organisation.
async fn all(client: &Client, organization: &str) -> Result<Vec<Member>, Failure> {
    let page = async |cursor| client.list_members(organization, &WhichPage { limit: Some(LARGEST_PAGE), cursor }).await;
    Ok(paging::all(page).await?)
}

/// The id of a member who is named by it or by an e-mail address.
async fn user(client: &Client, organization: &str, named: &str) -> Result<String, Failure> {
    if !named.contains('@') {
        return Ok(named.to_owned());
    }
    let members = all(client, organization).await?;
    let found = members.into_iter().find(|member| member.email.eq_ignore_ascii_case(named));
    let hint = "hint: `portcullis members list` shows who there is";
    found.map(|member| member.user).ok_or_else(|| Failure::unable(format!("`{named}` is no member there\n{hint}")))
}
