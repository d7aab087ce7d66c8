//! Values in forms: sealed by the browser where scripts run, or as they were typed.
//!
//! Which of the two came is the domain's to judge. Invariant: nothing of a value is written into a page, and nothing that holds it.

use std::collections::BTreeMap;

use portcullis_api::Secret;

use super::fields;
use super::problems::{Places, beside};
use crate::app::App;
use crate::caller::Caller;
use crate::edge_keys;
use crate::error::Error;
use crate::http::failure::Failure;
use crate::http::session::Fields;
use crate::pages::form::Problems;

const PLACES: &Places = &[("", "value"), ("/name", "name"), ("/organization", "name"), ("/team", "team")];

/// A value on its way, one of the two.
#[derive(Debug, Default)]
pub(super) struct Value {
    /// Boxes, by the ids of the edges' keys.
    pub(super) sealed: Option<BTreeMap<String, String>>,
    /// As it was typed.
    pub(super) plain: Option<Secret>,
}

/// What forms seal to: `id:public key` of each of the edges' keys, with spaces between.
pub(super) async fn keys(app: &App, by: &Caller) -> Result<String, Error> {
    let keys = edge_keys::list(app, by).await?.data;
    Ok(keys.iter().map(|key| format!("{}:{}", key.id, key.public_key)).collect::<Vec<_>>().join(" "))
}

/// The value that a form sent. Both are handed on if both came: then it is no form of ours.
pub(super) fn value(sent: &Fields) -> Result<Value, Error> {
    let (sealed, plain) = (sent.get("sealed"), sent.get("value"));
    if sealed.is_empty() {
        return Ok(Value { sealed: None, plain: Some(Secret::new(plain)) });
    }
    let boxes = serde_json::from_str(sealed).map_err(|_| Error::invalid("/sealed", "not read"))?;
    Ok(Value { sealed: Some(boxes), plain: Some(plain).filter(|it| !it.is_empty()).map(Secret::new) })
}

/// What was wrong, below its field.
pub(super) fn wrong(error: Error) -> Result<Problems, Failure> {
    match error {
        Error::Invalid { pointer, .. } if pointer == "/sealed" => {
            let detail = "the edges have other keys by now than those that it was sealed to: enter it again";
            beside(Error::invalid("/value", detail), PLACES)
        }
        Error::Invalid { pointer, detail } if pointer == "/description" => {
            beside(Error::Invalid { pointer, detail }, &[("/description", "description")])
        }
        error => beside(error, PLACES),
    }
}

/// Text that was sent beside a value, to be shown again: unless the value is in it.
pub(super) fn again(app: &App, sent: &Fields, name: &str) -> String {
    let (text, value) = (sent.get(name), sent.get("value"));
    if !value.is_empty() && text.contains(value) { String::new() } else { fields::again(&app.policy(), text) }
}
