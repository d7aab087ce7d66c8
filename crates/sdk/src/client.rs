//! The connection to a control plane.

use std::sync::Arc;
use std::time::Duration;

use portcullis_api::{Problem, VERSION_HEADER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::token::Token;

const TIMEOUT: Duration = Duration::from_secs(30);

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

    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Written<T>, Error> {
        let request = self.request(method, path)?;
        written(body.into_iter().fold(request, RequestBuilder::json)).await
    }
}

/// An id as one path segment, whatever someone typed for an id.
pub(crate) fn segment(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    id.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Root certificates are loaded only where TLS needs them: plain HTTP works on machines that have none.
fn http_client(with_tls: bool) -> Result<reqwest::Client, Error> {
    // Losing this race means that a provider is installed, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
    // A proxy that is asked for plain HTTP reads the token.
    let builder = if with_tls { builder.https_only(true) } else { builder.tls_certs_only([]).no_proxy() };
    builder.build().map_err(Error::from)
}

pub(crate) async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Error> {
    decode(accepted(request).await?).await
}

/// What a write did, and its version.
pub(crate) async fn written<T: DeserializeOwned>(request: RequestBuilder) -> Result<Written<T>, Error> {
    let response = accepted(request).await?;
    let version = response.headers().get(VERSION_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
    let status = response.status().as_u16();
    let value = decode(response).await?;
    version.map(|version| Written { version, value }).ok_or(Error::Unexpected { status })
}

pub(crate) async fn accepted(request: RequestBuilder) -> Result<Response, Error> {
    let response = request.send().await?;
    if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
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
