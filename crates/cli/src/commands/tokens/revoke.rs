//! `portcullis tokens revoke`.

use super::table;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The token's id: `tok_` and 16 characters.
    id: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    if args.id.starts_with("pct_") {
        output::talk("warning: if that was a token, it is now in your shell's history: revoke it");
        let hint = "hint: `portcullis tokens list` shows ids; they look like tok_0123456789abcdef";
        return Err(Failure::usage(format!("that is not a token's id\n{hint}")));
    }
    let revoked = args.control.client()?.revoke_token(&args.id).await?;
    output::print(args.output, &revoked, || table([&revoked]))
}
