//! `/keys/import`: digests of keys that were made elsewhere, as a table or as JSON.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_api::Key;
use portcullis_api::keys::{ImportKey, ImportKeys};
use serde::Deserialize;

use super::Html;
use super::desk::Desk;
use super::done::{Done, done};
use super::problems::sentence;
use crate::access::Permission::KeysWrite;
use crate::app::{App, Committed};
use crate::error::Error;
use crate::http::body::malformed;
use crate::http::failure::Failure;
use crate::http::session::Form;
use crate::keys;
use crate::pages::key_forms::Import;
use crate::pages::parts::Code;
use crate::pages::shell::Section;
use crate::policy::PolicyRoom;

pub(super) async fn form(State(app): State<App>, desk: Desk) -> Result<Html<Import>, Failure> {
    desk.by.require(KeysWrite)?;
    Ok(Html::ok(page(&app.policy(), &desk, String::new(), Vec::new())))
}

#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    text: String,
}

pub(super) async fn import(
    State(app): State<App>,
    desk: Desk,
    Form(Sent { text }): Form<Sent>,
) -> Result<Response, Failure> {
    let problem = match carry_out(&app, &desk, &text).await? {
        Ok(imported) => return Ok(done("/keys", Done::KeysImported, Some(imported.version)).into_response()),
        Err(problem) => problem,
    };
    let policy = app.policy();
    // Keys that stand where digests belong go no further, not even back.
    let text = if policy.spots_key_in(&text) { String::new() } else { text };
    Ok(Html::again(page(&policy, &desk, text, vec![problem])).into_response())
}

/// Imports; or says what is wrong with the text.
async fn carry_out(app: &App, desk: &Desk, text: &str) -> Result<Result<Committed<Vec<Key>>, String>, Failure> {
    let imported = match parse(text) {
        Some(Ok(request)) => keys::import(app, &desk.by, &request).await,
        Some(Err(error)) => {
            desk.by.require(KeysWrite)?;
            return Ok(Err(sentence(&malformed(app, "text", &error.to_string()).detail)));
        }
        None => keys::import_csv(app, &desk.by, text.as_bytes()).await,
    };
    match imported {
        Err(Error::Invalid { pointer, detail } | Error::Taken { pointer, detail }) => {
            Ok(Err(format!("{}{}", place(&pointer), sentence(&detail))))
        }
        imported => Ok(Ok(imported?)),
    }
}

/// JSON, an object as the API takes it or its list alone; `None` if it is a table.
fn parse(text: &str) -> Option<Result<ImportKeys, serde_json::Error>> {
    match text.trim_start().as_bytes().first() {
        Some(b'{') => Some(serde_json::from_str(text)),
        Some(b'[') => Some(serde_json::from_str::<Vec<ImportKey>>(text).map(|keys| ImportKeys { keys })),
        _ => None,
    }
}

/// `/keys/2/sha256`: which key is wrong. Tables say it by line and column themselves.
fn place(pointer: &str) -> String {
    let index = pointer.strip_prefix("/keys/").and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
    index.map(|index| format!("Key {}: ", index + 1)).unwrap_or_default()
}

fn page(policy: &PolicyRoom, desk: &Desk, text: String, problems: Vec<String>) -> Import {
    let spec = policy.spec();
    let (prefix, environment) =
        spec.keys.first().map(|format| (format.prefix.as_str(), format.environment.as_str())).unwrap_or_default();
    let scope = spec.scopes.first().map(String::as_str).unwrap_or_default();
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let example = format!("name,sha256,prefix,environment,scopes\nci,{digest},{prefix},{environment},{scope}");
    Import {
        shell: desk.shell("Import keys", Section::Keys),
        text,
        problems,
        example: Code::example("import-example", "Example", example),
        digest: Code::example(
            "import-digest",
            "The digest of a key, without writing it down",
            "read -rs KEY && printf %s \"$KEY\" | sha256sum",
        ),
    }
}
