//! `portcullis issuers add`.

use std::collections::BTreeMap;

use portcullis_api::CreateIssuer;
use portcullis_sdk::Error;

use super::print;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::refused::{Given, naming};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The exact text of `iss` in its tokens, such as `https://login.example.com/realms/acme`.
    issuer: String,
    /// For people.
    #[arg(long)]
    name: String,
    /// The environment its tokens are good for.
    #[arg(long, value_name = "NAME")]
    environment: String,
    /// What its tokens may do at most, whatever they say.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// One of these must be in `aud`; absent = the policy's audience.
    #[arg(long = "audience", value_name = "TEXT")]
    audiences: Vec<String>,
    /// Accepted `typ`: at+jwt, jwt; absent = both.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// Where its keys are; absent = where its own configuration says.
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Where scopes stand in its tokens, such as `scp` or `realm_access.roles`; absent = `scope`.
    #[arg(long, value_name = "CLAIM")]
    scope_claim: Option<String>,
    /// A value of that claim and what it stands for: `admins=orders:read,orders:write`. Absent = the values are scopes.
    #[arg(long = "map", value_name = "VALUE=SCOPES", value_parser = mapped)]
    map: Vec<(String, Vec<String>)>,
    /// The organisation's id; absent = the one your token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

/// The last `=` divides: scopes hold none, names of groups may.
fn mapped(text: &str) -> Result<(String, Vec<String>), String> {
    let (value, scopes) = text.rsplit_once('=').ok_or("expected VALUE=SCOPE,SCOPE")?;
    Ok((value.to_owned(), scopes.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect()))
}

pub(super) async fn run(args: &Args) -> Result<Exit, Failure> {
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let map: BTreeMap<_, _> = args.map.iter().cloned().collect();
    let request = CreateIssuer {
        name: args.name.clone(),
        issuer: args.issuer.clone(),
        environment: args.environment.clone(),
        scopes: args.scopes.clone(),
        audiences: some(&args.audiences),
        types: some(&args.types),
        jwks_uri: args.jwks_uri.clone(),
        scope_claim: args.scope_claim.clone(),
        scope_map: (!map.is_empty()).then_some(map),
        organization: args.organization.clone(),
    };
    let added = args.control.client()?.create_issuer(&request).await.map_err(|error| refusal(error, args))?;
    let keys = match added.keys.len() {
        1 => "1 key".to_owned(),
        number => format!("{number} keys"),
    };
    output::talk(&format!("added {} with {keys}", added.id));
    print(&added, args.output.json)
}

/// A refusal that says which of the values it is about.
fn refusal(error: Error, args: &Args) -> Failure {
    naming(
        error,
        &[
            Given { pointer: "/scopes", what: "scope", values: &args.scopes },
            Given { pointer: "/audiences", what: "audience", values: &args.audiences },
            Given { pointer: "/types", what: "type", values: &args.types },
            Given { pointer: "/environment", what: "environment", values: std::slice::from_ref(&args.environment) },
        ],
    )
}
