//! `portcullis webhooks list`.

use portcullis_api::webhooks::ListWebhooks;

use super::table;
use crate::args::Listing;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::paging::{LARGEST_PAGE, all};

pub(super) async fn run(args: &Listing) -> Result<Exit, Failure> {
    let client = args.control.client()?;
    let webhooks = all(async |cursor| {
        let (organization, limit) = (args.organization.clone(), Some(LARGEST_PAGE));
        client.list_webhooks(&ListWebhooks { organization, limit, cursor }).await
    })
    .await?;
    output::print(args.output, &webhooks, || table(&webhooks))
}
