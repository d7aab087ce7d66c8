//! The dashboard's handlers: parse a form, call the domain, show a page or go on to one. REST calls the same functions.
//!
//! How a handler is built:
//!
//! - It takes [`Desk`]: who is signed in (`desk.by` is the caller for domain functions), what surrounds their pages
//!   (`desk.shell(title, section)`), and the notice that the last redirect asked for.
//! - It answers with [`Html`], or after a form with `done(path, Done::…, version)`, a 303 whose notice and receipt the next
//!   page shows. Only words of [`Done`] can come out of an address.
//! - It fails with `Failure`, or with a domain error by `?`: `auth::gate` writes both as a page ([`failed`]).
//! - A form that cannot be accepted comes back with 422 (`Html::again`) and what [`beside`] made of the error.
//!
//! Invariant: a handler writes no secret but the one that its page is there to show once.

mod apps;
mod assets;
mod audit;
mod authorize;
mod browser;
mod denials;
mod desk;
mod done;
mod edge_keys;
mod edges;
mod edit_key;
mod edit_policy;
mod explain;
mod failed;
mod fields;
mod grants;
mod held_keys;
mod import;
mod invited;
mod key;
mod key_life;
mod keys;
mod limits;
mod new_key;
mod organization;
mod organizations;
mod overview;
mod plans;
mod policy;
mod problems;
mod quota;
mod receipts;
mod rotation;
mod sealing;
mod secret_forms;
mod secrets;
mod settings;
mod sign_in;
mod signing_keys;
mod skill_forms;
mod skill_life;
mod skills;
mod usage;
mod webhooks;

use std::time::Duration;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;
use super::routes::Routes;
pub(super) use failed::failed;

/// Every page.
pub(super) fn register(routes: Routes) -> Routes {
    let routes = routes.get("/assets/{name}", assets::show).get("/favicon.ico", assets::favicon);
    of_people(of_skills(of_keys(routes)))
}

/// Those about keys and what edges make of them.
fn of_keys(routes: Routes) -> Routes {
    routes
        .get("/keys", keys::list)
        .post("/keys/search", keys::search)
        .get("/keys/new", new_key::form)
        .post("/keys/new", new_key::create)
        .get("/keys/import", import::form)
        .post("/keys/import", import::import)
        .get("/keys/{id}", key::show)
        .get("/keys/{id}/details", edit_key::details)
        .post("/keys/{id}/details", edit_key::save_details)
        .get("/keys/{id}/scopes", edit_key::scopes)
        .post("/keys/{id}/scopes", edit_key::save_scopes)
        .get("/keys/{id}/restrict", edit_key::restrict)
        .post("/keys/{id}/restrict", edit_key::save_restrictions)
        .get("/keys/{id}/limits", limits::form)
        .post("/keys/{id}/limits", limits::save)
        .get("/keys/{id}/rotate", key_life::rotation)
        .post("/keys/{id}/rotate", key_life::rotate)
        .get("/keys/{id}/revoke", key_life::ask_to_revoke)
        .post("/keys/{id}/revoke", key_life::revoke)
        .post("/keys/{id}/disable", key_life::disable)
        .post("/keys/{id}/enable", key_life::enable)
        .post("/keys/{id}/trial/end", key_life::end_trial)
        .post("/keys/{id}/trial/enforce", key_life::enforce_trial)
        .get("/usage", usage::show)
        .get("/usage/export", usage::export)
        .get("/receipts/{version}", receipts::show)
        .get("/explain", explain::form)
        .post("/explain", explain::answer)
        .get("/denials", denials::list)
        .get("/denials/{request_id}", denials::show)
}

/// Those about skills, and what edges put into their requests.
fn of_skills(routes: Routes) -> Routes {
    routes
        .get("/secrets", secrets::list)
        .get("/secrets/new", secret_forms::form)
        .post("/secrets/new", secret_forms::create)
        .get("/secrets/{id}", secrets::show)
        .post("/secrets/{id}", secret_forms::describe)
        .post("/secrets/{id}/value", secret_forms::replace)
        .get("/secrets/{id}/delete", secrets::ask_to_delete)
        .post("/secrets/{id}/delete", secrets::delete)
        .get("/skills", skills::list)
        .get("/skills/new", skill_forms::form)
        .post("/skills/new", skill_forms::create)
        .get("/skills/published", skill_life::published)
        .get("/skills/published/{id}", skill_life::ask_to_install)
        .post("/skills/published/{id}", skill_life::install)
        .get("/skills/{id}", skills::show)
        .post("/skills/{id}", skill_forms::save)
        .post("/skills/{id}/publish", skill_life::publish)
        .post("/skills/{id}/unpublish", skill_life::unpublish)
        .post("/skills/{id}/upgrade", skill_life::upgrade)
        .get("/skills/{id}/delete", skill_life::ask_to_delete)
        .post("/skills/{id}/delete", skill_life::delete)
        .post("/edges/keys", edge_keys::add)
        .get("/edges/keys/{id}/remove", edge_keys::ask_to_remove)
        .post("/edges/keys/{id}/remove", edge_keys::remove)
}

/// Those about people, their organisations, and what is the operator's.
fn of_people(routes: Routes) -> Routes {
    routes
        .get("/", overview::show)
        .get("/sign-in", sign_in::form)
        .post("/sign-in", sign_in::sign_in)
        .post("/sign-out", sign_in::sign_out)
        .get("/welcome/{token}", invited::welcome)
        .post("/welcome/{token}", invited::found)
        .get("/invitations/{token}", invited::invitation)
        .post("/invitations/{token}", invited::accept)
        .get("/organization", organization::show)
        .post("/organization/time-zone", organization::move_to)
        .post("/organization/switch", organization::change_over)
        .post("/organization/members/{id}/role", organization::change_role)
        .get("/organization/members/{id}/remove", organization::ask_to_remove)
        .post("/organization/members/{id}/remove", organization::remove)
        .post("/organization/invitations", organization::invite)
        .post("/organization/invitations/{id}/withdraw", organization::withdraw)
        .get("/oauth/authorize", authorize::ask)
        .post("/oauth/authorize", authorize::answer)
        .get("/apps", apps::list)
        .post("/apps", apps::create)
        .get("/apps/{id}", apps::show)
        .post("/apps/{id}", apps::save)
        .post("/apps/{id}/rotate", apps::rotate)
        .get("/apps/{id}/revoke", apps::ask_to_revoke)
        .post("/apps/{id}/revoke", apps::revoke)
        .get("/grants", grants::list)
        .get("/grants/{id}/revoke", grants::ask_to_revoke)
        .post("/grants/{id}/revoke", grants::revoke)
        .get("/webhooks", webhooks::list)
        .post("/webhooks", webhooks::create)
        .get("/webhooks/{id}", webhooks::show)
        .post("/webhooks/{id}", webhooks::save)
        .post("/webhooks/{id}/disable", webhooks::disable)
        .post("/webhooks/{id}/enable", webhooks::enable)
        .post("/webhooks/{id}/test", webhooks::test)
        .get("/webhooks/{id}/remove", webhooks::ask_to_remove)
        .post("/webhooks/{id}/remove", webhooks::remove)
        .post("/webhooks/{id}/deliveries/{delivery}/retry", webhooks::retry)
        .get("/organizations", organizations::list)
        .post("/organizations", organizations::create)
        .get("/organizations/{id}", quota::show)
        .post("/organizations/{id}/plan", quota::assign)
        .post("/organizations/{id}/top-ups", quota::top_up)
        .get("/plans", plans::list)
        .post("/plans", plans::create)
        .get("/plans/{name}", plans::show)
        .post("/plans/{name}", plans::save)
        .get("/plans/{name}/remove", plans::ask_to_remove)
        .post("/plans/{name}/remove", plans::remove)
        .get("/organizations/{id}/suspend", organizations::ask_to_suspend)
        .post("/organizations/{id}/suspend", organizations::suspend)
        .post("/organizations/{id}/resume", organizations::resume)
        .get("/policy", policy::show)
        .get("/policy/edit", edit_policy::form)
        .post("/policy/preview", edit_policy::preview)
        .post("/policy/publish", edit_policy::publish)
        .get("/policy/versions/{version}", policy::version)
        .get("/policy/versions/{version}/restore", policy::ask_to_restore)
        .post("/policy/versions/{version}/restore", policy::restore)
        .get("/signing-keys", signing_keys::list)
        .post("/signing-keys/rotate", signing_keys::rotate)
        .get("/signing-keys/{kid}/revoke", signing_keys::ask_to_revoke)
        .post("/signing-keys/{kid}/revoke", signing_keys::revoke)
        .get("/edges", edges::show)
        .get("/audit", audit::show)
        .get("/audit/export", audit::export)
        .get("/settings", settings::show)
        .post("/settings/profile", settings::rename)
        .post("/settings/password", settings::change_password)
        .post("/settings/sessions/{id}/end", settings::end_session)
        .post("/settings/sessions/end", settings::end_all)
        .post("/settings/tokens", settings::create_token)
        .get("/settings/tokens/{id}/revoke", settings::ask_to_revoke)
        .post("/settings/tokens/{id}/revoke", settings::revoke_token)
}

/// A receipt as of now.
const NO_WAIT: Duration = Duration::ZERO;

/// A page, with its status.
struct Html<T>(StatusCode, T);

impl<T> Html<T> {
    fn ok(page: T) -> Self {
        Self(StatusCode::OK, page)
    }

    /// A form that comes back, because something in it is wrong.
    fn again(page: T) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, page)
    }
}

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        let Self(status, page) = self;
        match page.render() {
            Ok(html) => (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                Failure::internal().into_response()
            }
        }
    }
}
