//! `portcullis webhooks test`, `deliveries` and `retry`.

use portcullis_api::{Delivery, WhichPage};

use super::sent;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// The webhook's id: `whk_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// The webhook's id: `whk_` and 16 characters.
    id: String,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Retry {
    /// The webhook's id: `whk_` and 16 characters.
    id: String,
    /// The message's id: `evt_` and 16 characters.
    delivery: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn test(args: &Test) -> Result<Exit, Failure> {
    let delivery = args.control.client()?.test_webhook(&args.id).await?;
    tell(args.output, &delivery)
}

pub(super) async fn list(args: &List) -> Result<Exit, Failure> {
    let query = WhichPage { limit: Some(args.limit), cursor: None };
    let page = args.control.client()?.list_deliveries(&args.id, &query).await?;
    output::print(args.output, &page.data, || sent(&page.data))
}

pub(super) async fn retry(args: &Retry) -> Result<Exit, Failure> {
    let delivery = args.control.client()?.retry_delivery(&args.id, &args.delivery).await?;
    tell(args.output, &delivery)
}

fn tell(output: Output, delivery: &Delivery) -> Result<Exit, Failure> {
    if output.json {
        output::json(delivery)?;
    } else {
        output::talk(&format!(
            "on its way: `portcullis webhooks deliveries {}` says whether it arrived",
            delivery.webhook
        ));
        output::data(&sent([delivery]).to_string());
    }
    Ok(Exit::Success)
}
