//! `portcullis members list`.

use portcullis_api::{Invitation, Member, WhichPage};
use serde::Serialize;

use super::{Place, all};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::paging::{self, LARGEST_PAGE};
use crate::table::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Listed {
    members: Vec<Member>,
    invitations: Vec<Invitation>,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let organization = args.place.id(&client).await?;
    let members = all(&client, &organization).await?;
    let page =
        async |cursor| client.list_invitations(&organization, &WhichPage { limit: Some(LARGEST_PAGE), cursor }).await;
    let invitations = paging::all(page).await?;
    let listed = Listed { members, invitations };
    output::print(args.output, &listed, || table(&listed))
}

fn table(listed: &Listed) -> Table {
    let mut table = Table::new(["id", "e-mail", "name", "role", "since"]);
    for it in &listed.members {
        let role = it.role.as_str().to_owned();
        table.row([it.user.clone(), it.email.clone(), it.name.clone(), role, it.created_at.clone()]);
    }
    for it in &listed.invitations {
        let email = it.email.clone().unwrap_or_else(|| "the first owner".to_owned());
        let until = format!("invited until {}", it.expires_at);
        table.row([it.id.clone(), email, String::new(), it.role.as_str().to_owned(), until]);
    }
    table
}
