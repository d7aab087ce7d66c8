//! Who calls: a program by the one token in its Authorization header, a person by the cookie of their session.
//!
//! It looks at the path before any route does, so that a stranger learns neither routes nor methods. What a caller may do
//! is decided by what it asks for. Invariants: what is not named here as open or as the edges' is reached by known callers
//! alone; a cookie opens pages and nothing else, a token everything but pages; nothing is carried out for a credential that
//! ended before the request was whole.

use axum::body::HttpBody as _;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::address;
use super::arrival::{self, Place};
use super::failure::Failure;
use super::pages;
use super::rates::Told;
use super::session::{self, SignedIn};
use super::tagged;
use super::watch::{Known, RequestId};
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::secret::{Purpose, Secret};

/// Whom a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Anyone, and no page.
    Open,
    /// Clients that want access tokens, who prove themselves in their own way.
    Clients,
    /// Edges.
    Edges,
    /// Programs, with a token.
    Programs,
    /// People, signed in or not.
    Visitors,
    /// People who are signed in.
    People,
}

impl Door {
    fn of(path: &str) -> Self {
        match path {
            "/healthz" | "/readyz" | "/v1/openapi.json" | "/v1/invitations:accept" => Self::Open,
            "/.well-known/jwks.json" | "/.well-known/oauth-authorization-server" => Self::Open,
            "/oauth/token" | "/oauth/revoke" | "/oauth/introspect" => Self::Clients,
            "/sign-in" | "/favicon.ico" | "/oauth/authorize" => Self::Visitors,
            path if path.starts_with("/edge/") => Self::Edges,
            // What clients guess: they are told that it is not there, and no page.
            path if path == "/oauth" || path.starts_with("/oauth/") || path.starts_with("/.well-known/") => Self::Open,
            path if path.starts_with("/v1") || path.starts_with("/metrics") => Self::Programs,
            path if ["/welcome/", "/invitations/", "/assets/"].iter().any(|it| path.starts_with(it)) => Self::Visitors,
            _ => Self::People,
        }
    }

    fn is_of_pages(self) -> bool {
        matches!(self, Self::Visitors | Self::People)
    }
}

/// The caller of a request that came through the gate.
pub(crate) struct By(pub(crate) Caller);

impl FromRequestParts<App> for By {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(Failure::unauthorized)?;
        Ok(Self(Caller { condition: tagged::condition(&parts.method, &parts.headers), ..caller }))
    }
}

pub(super) async fn gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let door = Door::of(request.uri().path());
    let mut entered = enter(&app, door, &mut request).await;
    let mut place = None;
    let told = count(&app, door, &request, entered.is_ok());
    let told = told.unwrap_or_else(|refused| {
        let (failure, told) = *refused;
        entered = Err(failure.into_response());
        Some(told)
    });
    if entered.is_ok() {
        entered = arrive(&app, door, &mut request).await.map(|taken| place = taken);
    }
    let signed_in = request.extensions().get::<SignedIn>().cloned();
    let request_id = request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned());
    let known = entered.is_ok();
    let who = Known::of(door == Door::Edges && known, request.extensions().get::<Caller>());
    let mut response = match entered {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal,
    };
    drop(place);
    response.extensions_mut().insert(who);
    told.into_iter().filter(|_| !door.is_of_pages()).for_each(|told| told.tell(response.headers_mut()));
    let is_stranger = door == Door::Open || (door == Door::Clients && !response.status().is_success());
    if !known || is_stranger {
        // A stranger is answered, and keeps no connection for it.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if door.is_of_pages() {
        response = pages::failed(&app, signed_in, request_id, response).await;
        session::protect(&mut response);
    }
    response
}

/// Counts a request; fails if it is one too many. Edges and whoever watches over this process are not counted, nor is what
/// a page is made of. Clients that want access tokens are counted where these are.
fn count(app: &App, door: Door, request: &Request, known: bool) -> Result<Option<Told>, Box<(Failure, Told)>> {
    let path = request.uri().path();
    let is_uncounted = matches!(path, "/healthz" | "/readyz") || path.starts_with("/assets/") || door == Door::Clients;
    if is_uncounted || (known && door == Door::Edges) {
        return Ok(None);
    }
    match request.extensions().get::<Caller>().filter(|_| known) {
        Some(caller) => app.rates.count(caller),
        None => app.rates.count_stranger(visitor(app, request).address),
    }
}

/// Reads what whoever entered sends, and then finds out once more who it is: what ends while a body trickles in is over.
async fn arrive(app: &App, door: Door, request: &mut Request) -> Result<Option<Place>, Response> {
    if request.body().is_end_stream() {
        return Ok(None);
    }
    let is_known = matches!(door, Door::Edges | Door::Programs | Door::People);
    let place = arrival::whole(app, request, is_known).await.map_err(IntoResponse::into_response)?;
    enter(app, door, request).await?;
    Ok(place)
}

/// Finds out who it is; fails with what a stranger is told.
async fn enter(app: &App, door: Door, request: &mut Request) -> Result<(), Response> {
    request.extensions_mut().remove::<SignedIn>();
    let visitor = visitor(app, request);
    let internal = |error: Error| Failure::from(error).into_response();
    let stranger = || Failure::unauthorized().into_response();
    let caller = match door {
        Door::Open | Door::Clients => visitor,
        Door::Edges if bearer(request.headers()).is_some_and(|sent| app.edge_token.is(sent)) => return Ok(()),
        Door::Edges => return Err(stranger()),
        Door::Programs => match program(app, &visitor, request.headers()).await.map_err(internal)? {
            Some(caller) => caller,
            None => return Err(stranger()),
        },
        Door::Visitors | Door::People => match person(app, &visitor, request.headers()).await.map_err(internal)? {
            Some(signed_in) => {
                let caller = signed_in.caller.clone();
                request.extensions_mut().insert(signed_in);
                caller
            }
            None if door == Door::Visitors => visitor,
            None => return Err(session::to_sign_in(page(request)).into_response()),
        },
    };
    request.extensions_mut().insert(caller);
    Ok(())
}

/// The request, by whomever.
fn visitor(app: &App, request: &Request) -> Caller {
    let id = request.extensions().get::<RequestId>().map_or("", RequestId::as_str).to_owned();
    let address = address::client(request.extensions(), request.headers(), &app.trusted_proxies);
    Caller::visitor(app.default_organization, address, id)
}

/// The program that sent a token.
pub(super) async fn program(app: &App, visitor: &Caller, headers: &HeaderMap) -> Result<Option<Caller>, Error> {
    let Some(sent) = bearer(headers) else { return Ok(None) };
    if app.admin_token.is(sent) {
        return Ok(Some(Caller::root(app.default_organization, visitor.address, visitor.request_id.clone())));
    }
    match Secret::parse(Purpose::Token, sent) {
        Some(token) => accounts::recognise(app, visitor, &token).await,
        None => Ok(None),
    }
}

/// The person whose cookie was sent.
async fn person(app: &App, visitor: &Caller, headers: &HeaderMap) -> Result<Option<SignedIn>, Error> {
    let Some(cookie) = session::sent(app, headers, Purpose::Session) else { return Ok(None) };
    Ok(accounts::resume(app, visitor, &cookie).await?.map(|resumed| SignedIn::new(resumed, &cookie)))
}

/// The page that was asked for, to come back to. What was to be done there is not repeated.
fn page(request: &Request) -> Option<&str> {
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    request.uri().path_and_query().map(|it| it.as_str()).filter(|_| looks)
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else { return None };
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_door() {
        for (path, door) in [
            ("/healthz", Door::Open),
            ("/v1/invitations:accept", Door::Open),
            ("/.well-known/jwks.json", Door::Open),
            ("/.well-known/x", Door::Open),
            ("/oauth/token", Door::Clients),
            ("/oauth/revoke", Door::Clients),
            ("/oauth/introspect", Door::Clients),
            ("/oauth/token/", Door::Open),
            ("/v1/invitations:accept/", Door::Programs),
            ("/v1/keys", Door::Programs),
            ("/v1", Door::Programs),
            ("/metrics", Door::Programs),
            ("/edge/v1/manifest", Door::Edges),
            ("/", Door::People),
            ("/keys", Door::People),
            ("/sign-out", Door::People),
            ("/nowhere", Door::People),
            ("/healthz/", Door::People),
            ("/sign-in", Door::Visitors),
            ("/sign-in/x", Door::People),
            ("/invitations/x", Door::Visitors),
            ("/assets/x.css", Door::Visitors),
            ("/favicon.ico", Door::Visitors),
            ("/oauth/authorize", Door::Visitors),
            ("/oauth/authorize/", Door::Open),
        ] {
            assert_eq!(Door::of(path), door, "{path}");
        }
    }
}
