//! `portcullis denials`: requests that edges refused, and why; one by its id, or the last ones.

use portcullis_api::denials::{Denial, ListDenials};

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The request's id, as the client was told; absent = the last denials.
    request_id: Option<String>,
    /// Only those of this key.
    #[arg(long, value_name = "ID", conflicts_with = "request_id")]
    key: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let client = args.control.client()?;
        match &args.request_id {
            Some(id) => show(&client.denial(id).await?, args.output)?,
            None => {
                let query = ListDenials { key: args.key.clone(), limit: Some(args.limit), cursor: None };
                list(&client.list_denials(&query).await?.data, args.output)?;
            }
        }
        Ok(Exit::Success)
    })
}

fn show(denial: &Denial, how: Output) -> Result<(), Failure> {
    if how.json {
        return Ok(output::json(denial)?);
    }
    let mut table = Table::pairs();
    let mut pair = |name: &str, value: String| table.row([name.to_owned(), value]);
    pair("request", or(denial.request_id.as_deref()));
    pair("at", denial.at.clone());
    pair("reason", denial.reason.clone());
    pair("answer", answer(denial));
    pair("key", or(denial.key.as_deref()));
    pair("endpoint", endpoint(denial));
    pair("address", or(denial.address.as_deref()));
    pair("edge", denial.edge.clone());
    output::data(&table.to_string());
    output::talk(&denial.explanation);
    Ok(())
}

fn list(denials: &[Denial], how: Output) -> Result<(), Failure> {
    if how.json {
        return Ok(output::json(&denials)?);
    }
    let mut table = Table::new(["at", "request", "reason", "key", "endpoint", "address", "edge"]);
    for denial in denials {
        table.row([
            denial.at.clone(),
            or(denial.request_id.as_deref()),
            denial.reason.clone(),
            or(denial.key.as_deref()),
            endpoint(denial),
            or(denial.address.as_deref()),
            denial.edge.clone(),
        ]);
    }
    output::data(&table.to_string());
    Ok(())
}

fn answer(denial: &Denial) -> String {
    match (denial.status, &denial.code) {
        (Some(status), Some(code)) => format!("{status} {code}"),
        _ => or(None),
    }
}

fn endpoint(denial: &Denial) -> String {
    format!("{} {}", denial.method, denial.path.as_deref().unwrap_or("-"))
}

fn or(value: Option<&str>) -> String {
    value.unwrap_or("-").to_owned()
}
