//! `/keys`: the listing and the search. A pasted key is looked up here by its digest and goes no further.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::keys::{FindKey, ListKeys};
use portcullis_api::{ApiKey, KeyStatus};
use serde::Deserialize;

use super::Html;
use super::desk::Desk;
use super::done::{Done, done};
use crate::app::App;
use crate::error::Error;
use crate::http::body::Parameters;
use crate::http::failure::Failure;
use crate::http::session::{Form, escaped};
use crate::keys;
use crate::pages::keys::{KeyFilter, KeyRow, Keys};
use crate::pages::parts::{Code, Pager};
use crate::pages::shell::Section;
use crate::policy::PolicyRoom;

const ON_A_PAGE: u32 = 50;

/// The query. Forms send empty fields too; what is none of the choices is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    q: String,
    status: String,
    environment: String,
    overdue: String,
    idle: String,
    cursor: String,
}

pub(super) async fn list(
    State(app): State<App>,
    desk: Desk,
    Parameters(query): Parameters<Listing>,
) -> Result<Response, Failure> {
    let policy = app.policy();
    if policy.spots_key_in(&query.q) {
        return Ok(done("/keys", Done::KeyInAddress, None).into_response());
    }
    let (filter, now) = (query.filter(), app.clock.seconds());
    let found = {
        let _listing = app.listings.turn(&desk.by).await;
        keys::list(&app, &desk.by, query.wanted(&filter)).await?
    };
    let rows: Vec<_> = found.data.iter().map(|key| KeyRow::new(key, key.idle, now)).collect();
    let pager = Pager {
        shown: rows.len(),
        first: (!query.cursor.is_empty()).then(|| address(&filter, None)),
        next: found.next_cursor.map(|cursor| address(&filter, Some(&cursor))),
    };
    let environments = policy.spec().environments.clone();
    let first_key = first_key(&policy);
    let shell = desk.shell("Keys", Section::Keys);
    Ok(Html::ok(Keys { shell, filter, environments, rows, pager, first_key }).into_response())
}

impl Listing {
    fn filter(&self) -> KeyFilter {
        let statuses = [KeyStatus::Active, KeyStatus::Disabled, KeyStatus::Expired, KeyStatus::Revoked];
        KeyFilter {
            q: self.q.trim().to_owned(),
            status: statuses.into_iter().find(|status| status.as_str() == self.status),
            environment: self.environment.clone(),
            overdue: self.overdue == "true",
            idle: self.idle == "true",
        }
    }

    fn wanted(&self, filter: &KeyFilter) -> ListKeys {
        ListKeys {
            organization: None,
            kind: None,
            status: filter.status,
            environment: given(&filter.environment),
            q: given(&filter.q),
            overdue: filter.overdue.then_some(true),
            idle: filter.idle.then_some(true),
            limit: Some(ON_A_PAGE),
            cursor: given(&self.cursor),
        }
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// A page of the listing.
fn address(filter: &KeyFilter, cursor: Option<&str>) -> String {
    let flag = |set: bool| if set { "true" } else { "" };
    let pairs = [
        ("q", filter.q.as_str()),
        ("status", filter.status.map_or("", KeyStatus::as_str)),
        ("environment", &filter.environment),
        ("overdue", flag(filter.overdue)),
        ("idle", flag(filter.idle)),
        ("cursor", cursor.unwrap_or_default()),
    ];
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let query = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&");
    if query.is_empty() { "/keys".to_owned() } else { format!("/keys?{query}") }
}

/// What a newcomer pastes into a terminal.
pub(super) fn first_key(policy: &PolicyRoom) -> Code {
    let spec = policy.spec();
    let environment = spec.environments.first().map(String::as_str).unwrap_or_default();
    let scope = spec.scopes.first().map(|scope| format!(" --scope {scope}")).unwrap_or_default();
    let kind = if spec.keys.is_empty() && spec.tokens.is_some() { " --credential" } else { "" };
    let command = format!("portcullis keys create my-service --environment {environment}{scope}{kind}");
    Code::example("first-key", "From the command line", command)
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

/// A whole key goes to its page, text to the listing.
pub(super) async fn search(
    State(app): State<App>,
    desk: Desk,
    Form(Search { q }): Form<Search>,
) -> Result<Redirect, Failure> {
    if !app.policy().spots_key_in(&q) {
        return Ok(Redirect::to(&address(&KeyFilter { q: q.trim().to_owned(), ..KeyFilter::default() }, None)));
    }
    match find(&app, &desk, &q).await {
        Ok(id) => Ok(Redirect::to(&format!("/keys/{id}"))),
        Err(Error::NotFound(_)) => Ok(done("/keys", Done::KeyUnknown, None)),
        Err(error) => Err(error.into()),
    }
}

/// The id of a key that was pasted, alone or as a header.
pub(super) async fn find(app: &App, desk: &Desk, pasted: &str) -> Result<String, Error> {
    let key = pasted.split_whitespace().next_back().unwrap_or_default();
    let found = keys::find(app, &desk.by, &FindKey { key: ApiKey::new(key) }).await?;
    Ok(found.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_listing_keep_the_filter() {
        let filter = KeyFilter {
            q: "a&b=ü".to_owned(),
            status: Some(KeyStatus::Active),
            environment: "live".to_owned(),
            overdue: true,
            idle: false,
        };
        let expected = "/keys?q=a%26b%3D%C3%BC&status=active&environment=live&overdue=true&cursor=1.key_0";
        assert_eq!(address(&filter, Some("1.key_0")), expected);
        assert_eq!(address(&KeyFilter::default(), None), "/keys");
    }
}
