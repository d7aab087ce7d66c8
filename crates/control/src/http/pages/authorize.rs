//! `/oauth/authorize`: an app asks a person whether it may act for them.
//!
//! What the app asks comes back with the form and is checked again. Invariants: until it is known which app asks nobody is
//! sent anywhere; a yes takes the click of somebody who is signed in, each time.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::Html;
use super::problems::{Places, beside, sentence};
use super::sign_in::gate;
use crate::app::App;
use crate::apps::{self, Asked, Choice, Prompt, Request, Wrong};
use crate::error::Error;
use crate::http::body::Parameters;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form, FormTarget, SignedIn, Visitor, escaped};
use crate::pages::apps::Consent;
use crate::pages::form::Problems;

const HERE: &str = "/oauth/authorize";
const PLACES: &Places =
    &[("", "allowed"), ("/scopes", "allowed"), ("/organization", "organization"), ("/environment", "environment")];

pub(super) async fn ask(
    State(app): State<App>,
    visitor: Visitor,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let asked = Asked::of(pairs);
    let request = match Request::read(&app, &asked).await {
        Ok(request) => request,
        Err(wrong) => return not_asked(wrong),
    };
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(match request.prompt {
            Prompt::Nothing => back(&request.failed(&app, "login_required", "nobody is signed in")),
            Prompt::SignIn | Prompt::Consent => sign_in(&asked, false).into_response(),
        });
    };
    match request.prompt {
        Prompt::Nothing => Ok(back(&request.failed(&app, "consent_required", "people are asked each time"))),
        Prompt::SignIn => Ok(sign_in(&asked, true).into_response()),
        Prompt::Consent => {
            let choice = Choice {
                organization: signed_in.caller.organization.to_string(),
                environment: String::new(),
                scopes: request.scopes.clone(),
            };
            let page = page(&app, &visitor, signed_in, &asked, &request, &choice, Problems::default()).await?;
            Ok(shown(StatusCode::OK, &request, page))
        }
    }
}

pub(super) async fn answer(
    State(app): State<App>,
    visitor: Visitor,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let asked = Asked::of(sent.pairs().iter().cloned());
    let request = match Request::read(&app, &asked).await {
        Ok(request) => request,
        Err(wrong) => return not_asked(wrong),
    };
    let Some(signed_in) = &visitor.signed_in else { return Ok(sign_in(&asked, false).into_response()) };
    if sent.get("decision") != "allow" {
        return Ok(back(&request.failed(&app, "access_denied", "the person said no")));
    }
    let choice = Choice {
        organization: sent.get("organization").to_owned(),
        environment: sent.get("environment").to_owned(),
        scopes: sent.all("allowed").map(str::to_owned).collect(),
    };
    match apps::allow(&app, &signed_in.caller, &request, &choice).await {
        Ok(uri) => Ok(back(&uri)),
        Err(error) => {
            let problems = beside(error, PLACES)?;
            let page = page(&app, &visitor, signed_in, &asked, &request, &choice, problems).await?;
            Ok(shown(StatusCode::UNPROCESSABLE_ENTITY, &request, page))
        }
    }
}

async fn page(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    asked: &Asked,
    request: &Request,
    choice: &Choice,
    problems: Problems,
) -> Result<Consent, Error> {
    let found = apps::consent(app, &signed_in.caller, request).await?;
    let is_chosen = |id: &str| id == choice.organization;
    let place = |it: apps::Place| {
        let id = it.organization.to_string();
        let chosen = is_chosen(&id);
        (id, it.name, chosen)
    };
    Ok(Consent {
        shell: gate(&format!("Allow {}", request.app.name), visitor, None),
        app: request.app.name.clone(),
        owner: found.owner,
        host: apps::host(&request.redirect_uri),
        email: signed_in.caller.email().unwrap_or_default().to_owned(),
        elsewise: sign_in_path(asked, true),
        asked: asked.pairs().to_vec(),
        places: found.places.into_iter().map(place).collect(),
        environments: request.environments.iter().map(|it| (it.clone(), *it == choice.environment)).collect(),
        scopes: {
            let reads_too = app.policy().spec().write_implies_read;
            let row = |it: &String| (it.clone(), apps::in_words(it, reads_too), choice.scopes.contains(it));
            request.scopes.iter().map(row).collect()
        },
        problems,
        refusal: found.refusal.map(sentence),
    })
}

/// The form may lead to where the app is.
fn shown(status: StatusCode, request: &Request, page: Consent) -> Response {
    let mut response = Html(status, page).into_response();
    response.extensions_mut().insert(FormTarget(apps::source(&request.redirect_uri)));
    response
}

fn not_asked(wrong: Wrong) -> Result<Response, Failure> {
    match wrong {
        Wrong::Here(why) => Err(Failure::new(StatusCode::BAD_REQUEST, "app_not_recognised", why)),
        Wrong::There(uri) => Ok(back(&uri)),
        Wrong::Failed(error) => Err(error.into()),
    }
}

/// 303, also after a form: nothing of it goes along (RFC 9700, section 4.12).
fn back(uri: &str) -> Response {
    Redirect::to(uri).into_response()
}

fn sign_in(asked: &Asked, again: bool) -> Redirect {
    Redirect::to(&sign_in_path(asked, again))
}

/// The page to sign in on, and from there back; `again` for whoever is signed in already.
fn sign_in_path(asked: &Asked, again: bool) -> String {
    let asked = asked.signed_in_again();
    let pair = |(name, value): &(String, String)| format!("{name}={}", escaped(value));
    let query = asked.pairs().iter().map(pair).collect::<Vec<_>>().join("&");
    let again = if again { "&again=true" } else { "" };
    format!("/sign-in?next={}{again}", escaped(&format!("{HERE}?{query}")))
}
