//! What an app asks people for: `GET /oauth/authorize`, checked before anybody is asked (RFC 6749, section 4.1.1; RFC 7636;
//! RFC 8707; RFC 9207).
//!
//! Invariant: until it is known which app asks and that the URI is one of its own, nobody is sent anywhere.

use std::borrow::Cow;

use super::client::is_suspended;
use super::fields::within;
use super::redirect;
use crate::access_tokens::narrowed;
use crate::app::App;
use crate::caller::Scope;
use crate::error::Error;
use crate::id::AppId;
use crate::store::AppRow;

/// What the app's developer is told, as RFC 6749 has it: an error, and more about it in plain ASCII without `"` and `\`.
type Refused = (&'static str, Cow<'static, str>);

/// A value is no longer.
const MAX_LENGTH: usize = 2048;
/// Of S256 in base64url.
const CHALLENGE_LENGTH: usize = 43;
/// What is read; anything else may be there and is not looked at.
const KNOWN: [&str; 12] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "prompt",
    "request",
    "request_uri",
];

/// The parameters, as they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Vec<(String, String)>);

/// How much a person is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// Nothing at all, which is never enough.
    Nothing,
    /// To sign in again, and then for consent.
    SignIn,
    /// For consent.
    Consent,
}

/// What an app asks for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Which app.
    pub app: AppRow,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// What it asks for; it may have all of it.
    pub scopes: Vec<String>,
    /// For which environments it can be.
    pub environments: Vec<String>,
    /// What it recognises the answer by.
    pub state: Option<String>,
    /// Of PKCE, S256.
    pub challenge: String,
    /// How much the person is to be asked.
    pub prompt: Prompt,
}

/// Why nobody is asked.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// A person is told: nobody can be sent back.
    Here(&'static str),
    /// They are sent back with an error.
    There(String),
    /// It could not be looked up.
    Failed(Error),
}

impl Asked {
    /// From a query or a form.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().filter(|(name, value)| KNOWN.contains(&name.as_str()) && !value.is_empty()).collect())
    }

    /// One of them; nothing if it is there twice, which is refused before.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The one value of a parameter that is there once.
    fn single(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(it, _)| it == name);
        let (first, None) = (values.next()?, values.next()) else { return None };
        Some(&first.1)
    }

    /// The same, or what a person is told.
    fn one(&self, name: &str, missing: &'static str, twice: &'static str) -> Result<&str, Wrong> {
        let why = if self.get(name).is_none() { missing } else { twice };
        self.single(name).ok_or(Wrong::Here(why))
    }

    /// All of them, to be sent again with a form or after signing in.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The same without asking to sign in again.
    pub(crate) fn signed_in_again(&self) -> Self {
        Self(self.0.iter().filter(|(name, _)| name != "prompt").cloned().collect())
    }

    fn is_repeated(&self) -> bool {
        KNOWN.iter().any(|name| self.0.iter().filter(|(it, _)| it == name).count() > 1)
    }

    fn is_plain(&self) -> bool {
        let plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        self.0.iter().all(|(_, value)| value.len() <= MAX_LENGTH && value.bytes().all(plain))
    }
}

impl Request {
    /// Checks it.
    pub(crate) async fn read(app: &App, asked: &Asked) -> Result<Self, Wrong> {
        const UNNAMED: &str = "this app sent you here and does not say which one it is: its `client_id` is missing";
        const NOWHERE: &str = "this app does not say where you are to go back to: its `redirect_uri` is missing";
        const UNKNOWN: &str = "there is no such app: whoever sent you here has the wrong `client_id`, or it was revoked or is \
             suspended";
        const ELSEWHERE: &str = "this app may not send you back to where it wants to: its `redirect_uri` is none of those \
                                 that it was registered with";
        let id = asked.one("client_id", UNNAMED, "this app sent you here wrongly: its `client_id` is there twice")?;
        let id: AppId = id.parse().map_err(|_| Wrong::Here(UNKNOWN))?;
        let found = app.store.app(Scope::All, id).await.map_err(|error| Wrong::Failed(error.into()))?;
        let client = found.filter(|row| row.revoked_at.is_none()).ok_or(Wrong::Here(UNKNOWN))?;
        if is_suspended(app, client.organization).await.map_err(Wrong::Failed)? {
            return Err(Wrong::Here(UNKNOWN));
        }
        let uri =
            asked.one("redirect_uri", NOWHERE, "this app sent you here wrongly: its `redirect_uri` is there twice")?;
        if !client.redirect_uris.iter().any(|it| redirect::means(it, uri)) {
            return Err(Wrong::Here(ELSEWHERE));
        }
        let state = asked.single("state").filter(|_| asked.is_plain());
        let refused = |(error, text): Refused| Wrong::There(failed(app, uri, state, error, &text));
        Self::rest(app, asked, &client, uri).map_err(refused)
    }

    fn rest(app: &App, asked: &Asked, client: &AppRow, uri: &str) -> Result<Self, Refused> {
        if asked.is_repeated() || !asked.is_plain() {
            return Err(("invalid_request", "a parameter is there twice, too long or not plain".into()));
        }
        for (name, error) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
            asked.get(name).map_or(Ok(()), |_| Err((error, "parameters are taken from the query alone".into())))?;
        }
        match asked.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(("unsupported_response_type", "expected response_type=code".into())),
            None => return Err(("invalid_request", "expected response_type=code".into())),
        }
        if asked.get("response_mode").is_some_and(|it| it != "query") {
            return Err(("invalid_request", "expected response_mode=query".into()));
        }
        let challenge = challenge(asked)?;
        let policy = app.policy();
        let tokens = policy.spec().tokens.as_ref();
        let tokens =
            tokens.ok_or(("server_error", "access tokens are not in use here: the policy has no tokens".into()))?;
        if asked.get("resource").is_some_and(|it| it != tokens.audience) {
            return Err(("invalid_target", "expected resource to be the audience of the access tokens".into()));
        }
        let known = policy.spec().environments.iter().filter(|it| client.environments.contains(it));
        let environments: Vec<_> = known.cloned().collect();
        if environments.is_empty() {
            return Err(("unauthorized_client", "none of the environments of this app is there any more".into()));
        }
        Ok(Self {
            scopes: scopes(app, client, asked.get("scope"))?,
            prompt: prompt(asked.get("prompt"))?,
            app: client.clone(),
            redirect_uri: uri.to_owned(),
            environments,
            state: asked.get("state").map(str::to_owned),
            challenge: challenge.to_owned(),
        })
    }

    /// Where the person is sent back to if they say no, or nothing can be asked.
    pub(crate) fn failed(&self, app: &App, error: &str, description: &str) -> String {
        failed(app, &self.redirect_uri, self.state.as_deref(), error, description)
    }
}

/// Where a person is sent back to, with the answer.
pub(crate) fn answer(app: &App, uri: &str, state: Option<&str>, parameters: &[(&str, &str)]) -> String {
    let issuer = app.token_keys.name(&app.public_url);
    let mut all = parameters.to_vec();
    all.extend(state.map(|state| ("state", state)));
    all.push(("iss", &issuer));
    redirect::with(uri, &all)
}

fn failed(app: &App, uri: &str, state: Option<&str>, error: &str, description: &str) -> String {
    answer(app, uri, state, &[("error", error), ("error_description", description)])
}

/// What it asks for, or else all that it may.
fn scopes(app: &App, client: &AppRow, asked: Option<&str>) -> Result<Vec<String>, Refused> {
    let policy = app.policy();
    let may = within(&policy, client, &client.scopes);
    let wanted = narrowed(&policy, &may, asked);
    let wanted = wanted.map_err(|it| ("invalid_scope", format!("this app may not ask for {}", it.told()).into()))?;
    Ok(wanted.split_ascii_whitespace().map(str::to_owned).collect())
}

fn prompt(asked: Option<&str>) -> Result<Prompt, Refused> {
    let words: Vec<_> = asked.unwrap_or_default().split_ascii_whitespace().collect();
    match words.as_slice() {
        ["none"] => Ok(Prompt::Nothing),
        words if !words.iter().all(|it| matches!(*it, "login" | "consent" | "select_account")) => {
            Err(("invalid_request", "expected prompt to be none, login, consent or select_account".into()))
        }
        words if words.iter().any(|it| matches!(*it, "login" | "select_account")) => Ok(Prompt::SignIn),
        _ => Ok(Prompt::Consent),
    }
}

/// That of PKCE, by S256.
fn challenge(asked: &Asked) -> Result<&str, Refused> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let what = match (asked.get("code_challenge"), asked.get("code_challenge_method")) {
        (None, _) => "`code_challenge` is missing: it takes PKCE (RFC 7636)",
        (Some(_), method) if method != Some("S256") => "`code_challenge_method` has to be `S256`",
        (Some(it), _) if it.len() == CHALLENGE_LENGTH && it.bytes().all(plain) => return Ok(it),
        (Some(_), _) => "`code_challenge` is malformed: expected 43 characters of base64url",
    };
    Err(("invalid_request", what.into()))
}
