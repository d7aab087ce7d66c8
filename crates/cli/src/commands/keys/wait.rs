//! `--wait`: a change to a key is followed to the edges, and its receipt printed.

use portcullis_api::receipts::MAX_WAIT_SECONDS;
use portcullis_sdk::Client;

use crate::output;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Wait {
    /// Wait until the edges enforce it, 30 seconds at most, and say how fast the slowest was.
    #[arg(long)]
    wait: bool,
}

impl Wait {
    pub(super) fn is_asked_for(self) -> bool {
        self.wait
    }

    /// Prints the receipt of a version, if it was asked for. The change is made already: nothing fails here.
    pub(super) async fn receipt(self, client: &Client, version: u64) {
        if !self.wait {
            return;
        }
        match client.receipt(version, MAX_WAIT_SECONDS).await {
            Ok(receipt) => output::talk(&receipt.text),
            Err(error) => output::talk(&format!("warning: there is no receipt: {error}")),
        }
    }
}
