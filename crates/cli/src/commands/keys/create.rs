//! `portcullis keys create`.

use std::collections::BTreeMap;

use portcullis_api::{CreateKey, KeyKind};

use super::limit::Limits;
use super::restrict::Restrictions;
use super::view;
use super::wait::Wait;
use crate::args::{Control, Output};
use crate::exit::Failure;
use crate::output;
use crate::refused::{Given, naming};

const NO_SCOPES: &str = "hint: without --scope its tokens open no rule that wants a scope";
const KNOWN_SOON: &str = "edges usually know it within a second; --wait waits until they do";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What people call it.
    name: String,
    /// Make a credential: a key id and a secret that are exchanged for access tokens, in place of a key that is sent itself.
    ///
    /// What it prints are the variables that a client of the API finds in its environment. The policy needs `[tokens]`.
    #[arg(long)]
    credential: bool,
    /// One of the policy's environments.
    #[arg(long)]
    environment: String,
    /// The organisation's id; absent = the default organisation.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// What it may do, such as skills:read. Repeat it, or separate with commas.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// When it stops working, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// The e-mail address of whoever it is for.
    #[arg(long, value_name = "EMAIL")]
    created_by: Option<String>,
    /// The id of the skill it belongs to, whose services it may use.
    #[arg(long, value_name = "ID")]
    skill: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    restrictions: Restrictions,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// What else there is to know of a key.
#[derive(Debug, clap::Args)]
pub(super) struct Metadata {
    /// What else there is to know of it, such as team=payments. Repeat it for more.
    #[arg(long = "metadata", value_name = "NAME=VALUE", value_parser = entry)]
    entries: Vec<(String, String)>,
}

impl Metadata {
    pub(super) fn into_map(self) -> BTreeMap<String, String> {
        self.entries.into_iter().collect()
    }
}

fn entry(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected a name and a value, such as team=payments")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let request = CreateKey {
        kind: if args.credential { KeyKind::Credential } else { KeyKind::ApiKey },
        name: args.name,
        environment: args.environment,
        organization: args.organization,
        scopes: args.scopes,
        expires_at: args.expires_at,
        restrictions: args.restrictions.spec(),
        created_by: args.created_by,
        quota: args.limits.quota,
        rate: args.limits.rate,
        skill: args.skill,
        metadata: args.metadata.into_map(),
    };
    let client = args.control.client()?;
    let created = client.create_key(&request).await.map_err(|error| {
        naming(
            error,
            &[
                Given { pointer: "/scopes", what: "scope", values: &request.scopes },
                Given {
                    pointer: "/environment",
                    what: "environment",
                    values: std::slice::from_ref(&request.environment),
                },
                Given { pointer: "/skill", what: "skill", values: request.skill.as_slice() },
            ],
        )
    })?;
    view::print_created(&created.value, args.output)?;
    if !args.output.json {
        hints(&request, args.wait).into_iter().for_each(output::talk);
    }
    args.wait.receipt(&client, created.version).await;
    Ok(())
}

/// What whoever made it may trip over.
fn hints(made: &CreateKey, wait: Wait) -> impl IntoIterator<Item = &'static str> {
    let is_idle = made.kind == KeyKind::Credential && made.scopes.is_empty();
    [is_idle.then_some(NO_SCOPES), (!wait.is_asked_for()).then_some(KNOWN_SOON)].into_iter().flatten()
}
