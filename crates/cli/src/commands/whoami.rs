//! `portcullis whoami`: whom the control plane takes the caller for.

use portcullis_api::Me;
use portcullis_api::accounts::CallerKind;

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let me = args.control.client()?.me().await?;
        if args.output.json {
            output::json(&me)?;
        } else {
            output::data(&table(&me).to_string());
        }
        Ok(Exit::Success)
    })
}

fn table(me: &Me) -> Table {
    let mut table = Table::pairs();
    let mut pair = |name: &str, value: String| table.row([name.to_owned(), value]);
    pair("caller", caller(me));
    let everywhere = if me.every_organization { " (and every other)" } else { "" };
    pair("organization", format!("{} `{}`{everywhere}", me.organization, me.organization_name));
    if let Some(role) = me.role {
        pair("role", role.as_str().to_owned());
    }
    pair("may", if me.permissions.is_empty() { "nothing".to_owned() } else { me.permissions.join(" ") });
    table
}

fn caller(me: &Me) -> String {
    let person = me.user.as_ref().map(|user| format!("{} <{}>", user.name, user.email));
    match (me.kind, &me.token, person) {
        (CallerKind::Root, ..) => "whoever holds the administrator's token".to_owned(),
        (_, Some(token), Some(person)) => format!("{person} with the token `{token}`"),
        (_, Some(token), None) => format!("a service with the token `{token}`"),
        (_, None, person) => person.unwrap_or_default(),
    }
}
