//! The connection to a control plane.

use std::sync::Arc;
use std::time::Duration;

use portcullis_api::{Problem, VERSION_HEADER};
use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::token::Token;

const TIMEOUT: Duration = Duration::from_secs(30);
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// How often a request whose first sending is still being carried out is sent again, once a second.
const IN_USE_ATTEMPTS: usize = 10;

/// A client of one control plane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<Url>,
    token: Token,
}

/// What a write did, and the published version that contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// Edges that enforce this version or a later one enforce the write.
    pub version: u64,
    /// What was done.
    pub value: T,
}

/// Something as it was read, to change it only if it is still so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged<T> {
    /// Its entity tag.
    pub etag: String,
    /// What was read.
    pub value: T,
}

impl Client {
    /// A client of the control plane at `base`, such as `http://127.0.0.1:8080`. Connects to nothing yet.
    pub fn new(base: &str, token: Token) -> Result<Self, Error> {
        let wrong = || Error::Address(base.to_owned());
        let url = Url::parse(base).map_err(|_| wrong())?;
        let with_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong()),
        };
        if url.cannot_be_a_base() || url.path() != "/" || url.query().is_some() || !url.username().is_empty() {
            return Err(wrong());
        }
        Ok(Self { http: http_client(with_tls)?, base: Arc::new(url), token })
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Error> {
        let url = self.base.join(path).map_err(|_| Error::Address(self.base.to_string()))?;
        Ok(self.http.request(method, url).bearer_auth(self.token.expose()))
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        read(self.request(Method::GET, path)?).await
    }

    pub(crate) async fn get_tagged<T: DeserializeOwned>(&self, path: &str) -> Result<Tagged<T>, Error> {
        let response = accepted(self.request(Method::GET, path)?).await?;
        let etag = response.headers().get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let value = decode(response).await?;
        etag.map(|etag| Tagged { etag, value }).ok_or(Error::Unexpected { status })
    }

    /// Changes something only if it is still as its entity tag says.
    pub(crate) async fn change_if<T: DeserializeOwned>(
        &self,
        path: &str,
        etag: &str,
        body: &impl Serialize,
    ) -> Result<Written<T>, Error> {
        let request = self.request(Method::PATCH, path)?.header(IF_MATCH, etag).json(body);
        written(accepted(request).await?).await
    }

    /// Removes something; `force` says: even if it is in use.
    pub(crate) async fn remove<T: DeserializeOwned>(&self, path: &str, force: bool) -> Result<Written<T>, Error> {
        let query: &[(&str, bool)] = if force { &[("force", true)] } else { &[] };
        written(accepted(self.request(Method::DELETE, path)?.query(query)).await?).await
    }

    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Written<T>, Error> {
        let once = method == Method::POST;
        let request = body.into_iter().fold(self.request(method, path)?, RequestBuilder::json);
        let response = if once { make_once(request).await? } else { accepted(request).await? };
        written(response).await
    }
}

/// What a write did, and its version.
pub(crate) async fn written<T: DeserializeOwned>(response: Response) -> Result<Written<T>, Error> {
    let version = response.headers().get(VERSION_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
    let status = response.status().as_u16();
    let value = decode(response).await?;
    version.map(|version| Written { version, value }).ok_or(Error::Unexpected { status })
}

/// An id as one path segment, whatever someone typed for an id.
pub(crate) fn segment(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    id.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn http_client(with_tls: bool) -> Result<reqwest::Client, Error> {
    http_builder(with_tls).timeout(TIMEOUT).build().map_err(Error::from)
}

/// Root certificates are loaded only where TLS needs them: plain HTTP works on machines that have none.
pub(crate) fn http_builder(with_tls: bool) -> reqwest::ClientBuilder {
    // Losing this race means that a provider is installed, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    // A proxy that is asked for plain HTTP reads the token.
    if with_tls { builder.https_only(true) } else { builder.tls_certs_only([]).no_proxy() }
}

pub(crate) async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Error> {
    decode(accepted(request).await?).await
}

/// Makes something, once however often it is sent.
pub(crate) async fn make<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Error> {
    decode(make_once(request).await?).await
}

pub(crate) async fn accepted(request: RequestBuilder) -> Result<Response, Error> {
    let response = request.send().await?;
    if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
}

/// Sends what makes something so that it is made once, however often it is sent: again if the connection broke, and until
/// the first one is answered.
pub(crate) async fn make_once(request: RequestBuilder) -> Result<Response, Error> {
    let request = request.header(IDEMPOTENCY_KEY, random_key()?);
    let again = || request.try_clone().ok_or(Error::Unexpected { status: 0 });
    let mut answer = accepted(again()?).await;
    if matches!(&answer, Err(Error::Unreachable(error)) if !error.is_timeout()) {
        answer = accepted(again()?).await;
    }
    for _ in 0..IN_USE_ATTEMPTS {
        match &answer {
            Err(Error::Refused(problem)) if problem.code == "idempotency_key_in_use" => {}
            _ => break,
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        answer = accepted(again()?).await;
    }
    answer
}

fn random_key() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn refusal(response: Response) -> Error {
    let status = response.status().as_u16();
    match response.json::<Problem>().await {
        Ok(problem) => Error::Refused(Box::new(problem)),
        Err(_) => Error::Unexpected { status },
    }
}

async fn decode<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    let status = response.status();
    let not_what_was_asked = |status: StatusCode| Error::Unexpected { status: status.as_u16() };
    let bytes = response.bytes().await?;
    serde_json::from_slice(&bytes).map_err(|_| not_what_was_asked(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (base, fine) in [
            ("http://127.0.0.1:8080", true),
            ("http://control.internal/", true),
            ("127.0.0.1:8080", false),
            ("ftp://127.0.0.1", false),
            ("http://user:secret@127.0.0.1", false),
            ("http://127.0.0.1/v1", false),
            ("", false),
        ] {
            assert_eq!(Client::new(base, Token::new("pca_x")).is_ok(), fine, "{base}");
        }
    }

    #[test]
    fn an_id_never_leaves_its_segment() {
        assert_eq!(segment("key_0123"), "key_0123");
        assert_eq!(segment("../edges?x#y"), "%2E%2E%2Fedges%3Fx%23y");
    }

    #[test]
    fn the_token_is_never_printed() {
        let client = Client::new("http://127.0.0.1:1", Token::new("pca_secret")).unwrap();
        assert!(!format!("{client:?}").contains("secret"));
    }
}
