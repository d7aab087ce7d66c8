//! `/denials`: requests that were refused, and why.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::denials::{Denial as Refused, ListDenials};
use portcullis_api::explain::Explain as Request;
use serde::Deserialize;

use super::Html;
use super::desk::Desk;
use super::{explain as explained, fields};
use crate::app::App;
use crate::error::Error;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::http::session::escaped;
use crate::pages::explain::{Denial, DenialRow, Denials, Explanation, reason_words};
use crate::pages::form::Problems;
use crate::pages::parts::Pager;
use crate::pages::shell::Section;
use crate::pages::when::When;
use crate::{denials, explain, keys};

const ON_A_PAGE: u32 = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    request_id: String,
    cursor: String,
}

pub(super) async fn list(
    State(app): State<App>,
    desk: Desk,
    Parameters(Asked { request_id, cursor }): Parameters<Asked>,
) -> Result<Response, Failure> {
    let request_id = request_id.trim();
    let problems = match look_up(&app, &desk, request_id).await? {
        Some(Ok(found)) => return Ok(found.into_response()),
        Some(Err(problems)) => problems,
        None => Problems::default(),
    };
    let cursor = Some(cursor).filter(|cursor| !cursor.is_empty());
    let first = cursor.as_ref().map(|_| "/denials".to_owned());
    let (denials, next) = {
        let _listing = app.listings.turn(&desk.by).await;
        let wanted = ListDenials { key: None, limit: Some(ON_A_PAGE), cursor };
        let found = denials::list(&app, &desk.by, &wanted).await?;
        (rows(&app, &desk, found.data).await?, found.next_cursor)
    };
    let next = next.map(|cursor| format!("/denials?cursor={}", escaped(&cursor)));
    let is_wrong = !problems.0.is_empty();
    let page = Denials {
        shell: desk.shell("Denials", Section::Denials),
        request_id: fields::again(&app.policy(), request_id),
        problems,
        pager: Pager { shown: denials.len(), first, next },
        denials,
    };
    Ok(if is_wrong { Html::again(page) } else { Html::ok(page) }.into_response())
}

/// The page of a request id that was asked for; or what is wrong with it.
async fn look_up(app: &App, desk: &Desk, request_id: &str) -> Result<Option<Result<Redirect, Problems>>, Error> {
    if request_id.is_empty() {
        return Ok(None);
    }
    match denials::show(app, &desk.by, request_id).await {
        Ok(_) => Ok(Some(Ok(Redirect::to(&format!("/denials/{}", escaped(request_id)))))),
        Err(Error::NotFound(_)) => {
            let text = "No denial has this id: it may be older than a day, or not reported yet.";
            Ok(Some(Err(Problems(vec![("request_id", text.to_owned())]))))
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Segment(request_id): Segment,
) -> Result<Html<Denial>, Failure> {
    let found = denials::show(&app, &desk.by, &request_id).await?;
    let (meaning, code) = (found.explanation.clone(), found.code.clone().unwrap_or_default());
    let explanation = again(&app, &desk, &found).await;
    let denial = rows(&app, &desk, vec![found]).await?.pop().ok_or(Error::NotFound("denial"))?;
    Ok(Html::ok(Denial { shell: desk.shell("A denial", Section::Denials), denial, code, meaning, explanation }))
}

/// The same request, decided as of now. Who cannot ask, or what cannot be asked, gets no answer.
async fn again(app: &App, desk: &Desk, found: &Refused) -> Option<Explanation> {
    let request = Request {
        key: found.key.clone()?,
        method: found.method.clone(),
        path: found.path.clone()?,
        address: found.address.clone(),
        referrer: None,
        origin: None,
    };
    explain::explain(app, &desk.by, &request).await.ok().map(explained::shown)
}

/// Denials with the names of their keys.
pub(super) async fn rows(app: &App, desk: &Desk, found: Vec<Refused>) -> Result<Vec<DenialRow>, Error> {
    let ids: Vec<_> = found.iter().filter_map(|it| it.key.as_deref()).collect();
    let names = keys::names(app, &desk.by, &ids).await?;
    let now = app.clock.seconds();
    let row = |it: Refused| DenialRow {
        request_id: it.request_id,
        at: When::parse(&it.at, now),
        reason: reason_words(&it.reason),
        status: it.status,
        key: it.key.and_then(|id| names.get(&id).cloned().map(|name| (id, name))),
        method: it.method,
        path: it.path.unwrap_or_default(),
        address: it.address.unwrap_or_else(|| "unknown".to_owned()),
        edge: it.edge,
    };
    Ok(found.into_iter().map(row).collect())
}
