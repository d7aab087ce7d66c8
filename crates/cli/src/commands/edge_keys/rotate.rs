//! `portcullis edge-keys rotate`: which secrets a new key cannot open yet, and sealing them again.
//!
//! It changes no key: one is added before it, and one may be removed after it.

use std::path::PathBuf;

use portcullis_api::SecretRecord;
use portcullis_sdk::{Client, Error, Pins};

use super::values::Values;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::pinned::Pinned;
use crate::table::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seal those again whose values are in this file, lines of NAME=VALUE; `-` = stdin. An id stands for a name that several have.
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// Only this organisation's.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    pinned: Pinned,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let (client, pins) = (args.control.client()?, args.pinned.pins()?);
    let values = args.values.as_deref().map(Values::read).transpose()?;
    if client.list_edge_keys().await?.is_empty() {
        return Err(Error::NoEdgeKeys.into());
    }
    let mut left = unsealed(&client, args).await?;
    if let Some(values) = values {
        for (name, why) in values.idle(&left) {
            output::talk(&format!("left as it is: `{name}` {why}"));
        }
        enter(&client, &left, &values, &pins).await?;
        left = unsealed(&client, args).await?;
    }
    output::print(args.output, &left, || table(&left))?;
    if left.is_empty() {
        output::talk(
            "each of these secrets is sealed to every key: once every Envoy has another private key, one can be removed",
        );
        return Ok(Exit::Success);
    }
    output::talk(&format!("{}: enter their values again, `portcullis secrets set NAME`", many(left.len())));
    Ok(Exit::No)
}

async fn unsealed(client: &Client, args: &Args) -> Result<Vec<SecretRecord>, Error> {
    let mut all = client.secrets_of(args.organization.clone()).await?;
    all.retain(|it| !it.unsealed.is_empty());
    Ok(all)
}

/// One that is refused does not keep others back; it is listed afterwards.
async fn enter(client: &Client, left: &[SecretRecord], values: &Values, pins: &Pins) -> Result<(), Failure> {
    for secret in left {
        let Some(value) = values.of(secret, left) else { continue };
        match client.replace_secret(&secret.id, value, pins).await {
            Ok(_) => output::talk(&format!("sealed `{}` again", secret.name)),
            Err(Error::Refused(problem)) => {
                output::talk(&format!("warning: `{}`: {} ({})", secret.name, problem.detail, problem.code));
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

fn many(number: usize) -> String {
    if number == 1 {
        "1 secret is not sealed to every key".to_owned()
    } else {
        format!("{number} secrets are not sealed to every key")
    }
}

fn table(secrets: &[SecretRecord]) -> Table {
    let mut table = Table::new(["id", "name", "organization", "owner", "not sealed to"]);
    for it in secrets {
        table.row([
            it.id.clone(),
            it.name.clone(),
            it.organization.clone(),
            it.owner.clone().unwrap_or_else(|| "the team".to_owned()),
            it.unsealed.join(" "),
        ]);
    }
    table
}
