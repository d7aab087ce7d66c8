//! `portcullis secrets set`.

use std::convert::Infallible;
use std::str::FromStr;

use portcullis_api::CreateSecret;

use super::print;
use super::which::name;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output;
use crate::pinned::Pinned;

const NOT_HERE: &str = "the value of a secret does not stand on the command line: others see it, and the shell keeps it\n\
                        hint: give it on stdin, `portcullis secrets set NAME < FILE`, or wait to be asked for it; if that was \
                        the value, have its service make another";
const NO_OPTION: &str = "an option is none that this command has, or has a value that it does not take; it is not repeated\n\
                         hint: `portcullis secrets set --help` lists them; if there was a value in it, have its service make \
                         another, and give that one on stdin or wait to be asked for it";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What skills call it: lower-case letters, digits and `_`, beginning with a letter.
    name: String,
    /// What stands here is refused, and clap would repeat it.
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    value: Vec<Unseen>,
    /// Have it serve every skill of the organisation; absent = your own skills only.
    #[arg(long)]
    team: bool,
    /// For people: what it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The organisation's id; absent = the one your token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    pinned: Pinned,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// An argument of which nothing is kept but whether it looks like an option.
#[derive(Clone, Debug)]
struct Unseen {
    is_option: bool,
}

impl FromStr for Unseen {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self { is_option: text.starts_with("--") })
    }
}

/// What is said in place of clap's words, which repeat what was typed.
pub(super) fn unseen(error: &clap::Error) -> Option<Failure> {
    use clap::error::ErrorKind::{
        InvalidUtf8, InvalidValue, TooManyValues, UnknownArgument, ValueValidation, WrongNumberOfValues,
    };
    let repeats = [InvalidUtf8, InvalidValue, TooManyValues, UnknownArgument, ValueValidation, WrongNumberOfValues];
    repeats.contains(&error.kind()).then(|| Failure::usage(NO_OPTION))
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(first) = args.value.first() {
        return Err(Failure::usage(if first.is_option { NO_OPTION } else { NOT_HERE }));
    }
    let request = CreateSecret {
        name: name(&args.name)?.to_owned(),
        description: args.description.clone(),
        team: args.team,
        organization: args.organization.clone(),
        ..CreateSecret::default()
    };
    let (client, pins) = (args.control.client()?, args.pinned.pins()?);
    let value = input::secret(&args.name)?;
    let set = client.set_secret(&request, &value, &pins).await?;
    let done = if set.value.revision == 1 { "made" } else { "replaced the value of" };
    output::talk(&format!("{done} {}", set.value.id));
    output::enforced_from(set.version);
    print(&set.value, args.output.json)
}
