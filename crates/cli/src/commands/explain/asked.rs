//! `portcullis explain --key-id`: the control plane decides, with the key as it knows it now.

use portcullis_api::explain::Explanation;

use super::Args;
use super::view::as_written;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

pub(super) async fn run(args: &Args, key: &str) -> Result<Exit, Failure> {
    let request = args.request.to_ask(key, args.from)?;
    let said = args.control.client()?.explain(&request).await?;
    if args.output.json {
        output::json(&said)?;
    } else {
        let path = request.path.split('?').next().unwrap_or_default().escape_debug();
        output::data(&format!("{} {path} from {}", request.method, args.from));
        print(&said);
    }
    Ok(if said.allowed { Exit::Success } else { Exit::No })
}

fn print(said: &Explanation) {
    let mut table = Table::pairs();
    for check in &said.checks {
        let detail = [check.reason.as_deref().unwrap_or_default(), &as_written(&check.detail)].join(" ");
        table.row([format!("  {}", check.step), check.outcome.as_str().to_owned(), detail.trim().to_owned()]);
    }
    output::data(&table.to_string());
    if let Some(rule) = &said.rule {
        output::data(&format!("rule {rule}"));
    }
    let text = |member: &Option<String>| member.clone().unwrap_or_default();
    output::data(&match said.status {
        None => "allow".to_owned(),
        Some(status) => {
            format!("deny: {status} {} \"{}\" (reason {})", text(&said.code), text(&said.message), text(&said.reason))
        }
    });
}
