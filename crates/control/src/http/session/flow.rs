//! Sessions from beginning to end: real requests to pages made for the purpose, behind the real gate.

mod ends;
mod first;
mod forms;
mod log;
mod pages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tempfile::TempDir;

use super::{Form, SetCookie, SignedIn, Visitor, cookie, local, no_cookie};
use crate::accounts::{self, Acceptance, Password, Started};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Clock;
use crate::http::failure::Failure;
use crate::http::routes::Routes;
use crate::http::{auth, watch};
use crate::{Config, Database, Limits, PolicyFile, Server};

const NOON: u64 = 1_768_478_400;
const HOURS: u64 = 3600;
const ADA: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

async fn sign_in(
    State(app): State<App>,
    auth::By(by): auth::By,
    Form(sent): Form<Credentials>,
) -> Result<(SetCookie, Redirect), Failure> {
    let started = accounts::sign_in(&app, &by, &sent.email, &Password::typed(sent.password), "test").await?;
    Ok((cookie(&app, &started.cookie), Redirect::to(local(&sent.next))))
}

async fn sign_out(
    State(app): State<App>,
    signed_in: SignedIn,
    Form(_): Form<super::Fields>,
) -> Result<(SetCookie, Redirect), Failure> {
    accounts::sign_out(&app, &signed_in.caller).await?;
    Ok((no_cookie(&app), Redirect::to("/sign-in")))
}

async fn ask(visitor: Visitor) -> (Visitor, String) {
    let csrf = visitor.csrf.expose().to_owned();
    (visitor, csrf)
}

async fn home(signed_in: SignedIn) -> String {
    format!("{} {} {}", signed_in.name, signed_in.caller.email().unwrap_or_default(), signed_in.csrf.expose())
}

async fn echo(Form(sent): Form<Text>) -> String {
    sent.text
}

struct Desk {
    app: App,
    serve: TowerToHyperService<Router>,
    clock: Arc<AtomicU64>,
    link: String,
    folder: TempDir,
    _server: Server,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `name=value` of the cookie it sets.
    fn cookie(&self) -> String {
        self.header(SET_COOKIE).split(';').next().unwrap().to_owned()
    }
}

impl Desk {
    async fn open(public_url: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicU64::new(NOON * 1000));
        let policy = "name = \"test\"\nenvironments = [\"live\"]\nrules = [{ path = \"/**\" }]\n\
                      credentials = [{ in = \"header\", name = \"authorization\", scheme = \"Bearer\" }]\n\
                      keys = [{ prefix = \"sk_\", environment = \"live\", body_length = 24 }]";
        let config = Config {
            public_url: public_url.map(|url| url.parse().unwrap()),
            limits: Limits::default(),
            ..config(folder.path(), policy)
        };
        let read = clock.clone();
        let server = Server::open(config, Clock::from_millis(move || read.load(Ordering::Relaxed))).await.unwrap();
        let (app, link) = (server.app().clone(), server.first_owner_link().unwrap().to_owned());
        let (routes, _, _) = Routes::new(utoipa::openapi::OpenApi::default())
            .get("/sign-in", ask)
            .post("/sign-in", sign_in)
            .post("/sign-out", sign_out)
            .get("/", home)
            .post("/echo", echo)
            .get("/v1/me", crate::http::tokens::me)
            .finish();
        let router = routes
            .layer(from_fn_with_state(app.clone(), auth::gate))
            .layer(from_fn_with_state(app.clone(), watch::watch))
            .with_state(app.clone());
        let link = link.rsplit('/').next().unwrap().to_owned();
        Self { app, serve: TowerToHyperService::new(router), clock, link, folder, _server: server }
    }

    /// With the first owner, who is not signed in.
    async fn with_ada(public_url: Option<&str>) -> Self {
        let desk = Self::open(public_url).await;
        desk.join(&desk.link.clone(), ADA).await.unwrap();
        desk
    }

    async fn join(&self, link: &str, email: &str) -> Result<accounts::Accepted, crate::error::Error> {
        let password = Password::typed(PASSWORD);
        let request = Acceptance { email: Some(email.to_owned()), name: Some("Ada".to_owned()), password };
        accounts::accept(&self.app, &self.visitor(), link, &request).await
    }

    fn visitor(&self) -> Caller {
        Caller::visitor(self.app.default_organization, None, "req_test".to_owned())
    }

    fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    async fn send(&self, request: Request) -> Answer {
        let response = self.serve.call(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, cookie: &str, body: &str) -> Answer {
        let request = Request::post(path).header(COOKIE, cookie).header(HOST, "control.test");
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.header(ORIGIN, "http://control.test").body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Signs Ada in through the form; the answer sets the cookie.
    async fn sign_in(&self, password: &str, next: &str) -> Answer {
        let page = self.get("/sign-in", "").await;
        let password = password.replace(' ', "+");
        let body = format!("csrf={}&email=ADA%40example.com&password={password}&next={next}", page.text);
        self.post("/sign-in", &page.cookie(), &body).await
    }

    async fn start(&self) -> Started {
        let password = Password::typed(PASSWORD);
        accounts::sign_in(&self.app, &self.visitor(), ADA, &password, "test").await.unwrap()
    }

    async fn is_signed_in(&self, cookie: &str) -> bool {
        self.get("/", cookie).await.status == 200
    }
}

fn config(folder: &std::path::Path, policy: &str) -> Config {
    Config {
        data: folder.to_owned(),
        database: Database::InFolder,
        replace_signing_key: false,
        webhooks: crate::webhooks::WebhookRules::default(),
        listen: "127.0.0.1:0".parse().unwrap(),
        policy: Some(PolicyFile { name: "policy.toml".to_owned(), text: policy.to_owned() }),
        admin_token_file: None,
        edge_token_file: None,
        signing_key_file: None,
        public_url: None,
        gateway_url: None,
        trusted_proxies: Vec::new(),
        token_key_days: 30,
        limits: Limits::default(),
    }
}

fn pair(started: &Started) -> String {
    format!("portcullis_session={}", started.cookie.expose())
}
