//! `portcullis webhooks create`.

use portcullis_api::CreateWebhook;

use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where messages go, such as `https://hooks.example.com/portcullis`.
    url: String,
    /// What it is told of: quota.threshold, or, for the operator, quota.threshold.all. Absent = quota.threshold.
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<String>,
    /// The organisation's id; absent = the one your token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let request = CreateWebhook {
        url: args.url.clone(),
        events: (!args.events.is_empty()).then(|| args.events.clone()),
        organization: args.organization.clone(),
    };
    let created = args.control.client()?.create_webhook(&request).await?;
    if args.output.json {
        output::json(&created)?;
        return Ok(Exit::Success);
    }
    output::talk(&format!("created {}", created.record.id));
    output::talk("this is the only time the secret is shown; its messages are signed with it:");
    output::data(created.secret.expose());
    Ok(Exit::Success)
}
