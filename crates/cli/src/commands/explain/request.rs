//! The request to explain, from the command line. Bytes, not text: what cannot be typed as text can be explained too.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::net::IpAddr;

use portcullis_api::explain::Explain;
use portcullis_engine::spec::CredentialPlace;
use portcullis_engine::{Policy, PolicySpec, Request};

use super::keys_file::KnownKeys;
use crate::exit::Failure;
use crate::output;

/// Where a key can come from without standing on the command line.
const KEY_VARIABLE: &str = "PORTCULLIS_KEY";

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct RequestArgs {
    /// The method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// The path with its query; CONNECT has none.
    #[arg(long)]
    path: Option<OsString>,
    /// A header, 'name: value'. `{key:NAME}` stands for a key of --keys and `{token:NAME}` for a token. Repeat it for
    /// more.
    #[arg(long = "header", value_name = "HEADER")]
    headers: Vec<OsString>,
    /// Send the key, or the access token, that stands on stdin; PORTCULLIS_KEY in the environment works too.
    #[arg(long)]
    key_stdin: bool,
}

const ONLY_TWO_HEADERS: &str = "with --key-id only the headers Referer and Origin can be given\n\
    hint: for a key or an access token itself, `portcullis bundle export --out FILE`, then \
    `portcullis explain --bundle FILE --key-stdin`";

/// A request as the proxy hands it on.
pub(super) struct Wire {
    pub(super) method: String,
    pub(super) path: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
}

impl RequestArgs {
    /// The request; `policy` says where a key goes and what one looks like.
    pub(super) fn resolve(&self, policy: Option<(&Policy, &PolicySpec)>, known: &KnownKeys) -> Result<Wire, Failure> {
        let mut headers = Vec::new();
        for line in &self.headers {
            headers.push(header(line, policy.map(|(compiled, _)| compiled), known)?);
        }
        if let (Some(key), Some((_, spec))) = (self.secret_key()?, policy) {
            headers.push(credential(spec, &key)?);
        }
        let path = self.path.as_deref().map(|path| known.fill(&bytes(path))).transpose()?;
        let path = path.or_else(|| (self.method != "CONNECT").then(|| b"/".to_vec()));
        let is_rootless = path.as_deref().is_some_and(|path| !path.starts_with(b"/") && path != b"*");
        if is_rootless && self.method != "CONNECT" {
            output::talk("hint: a path begins with `/`");
        }
        Ok(Wire { method: self.method.clone(), path, headers })
    }

    /// The request as the control plane is asked about it: of its headers only two count there.
    pub(super) fn to_ask(&self, key: &str, address: IpAddr) -> Result<Explain, Failure> {
        let text = |text: &OsStr| text.to_str().map(str::to_owned).ok_or_else(|| Failure::usage("expected UTF-8"));
        let path = self.path.as_deref().map_or(Ok("/".to_owned()), text)?;
        let (key, method, address) = (key.to_owned(), self.method.clone(), Some(address.to_string()));
        let mut asked = Explain { key, method, path, address, ..Explain::default() };
        for line in &self.headers {
            let (name, value) = header(line, None, &KnownKeys::default())?;
            let slot = match name.as_str() {
                "referer" => &mut asked.referrer,
                "origin" => &mut asked.origin,
                _ => return Err(Failure::usage(ONLY_TWO_HEADERS)),
            };
            *slot = Some(String::from_utf8(value).map_err(|_| Failure::usage("expected UTF-8"))?);
        }
        Ok(asked)
    }

    fn secret_key(&self) -> Result<Option<String>, Failure> {
        if !self.key_stdin {
            return Ok(std::env::var(KEY_VARIABLE).ok());
        }
        let mut key = String::new();
        std::io::stdin().read_to_string(&mut key)?;
        Ok(Some(key.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl Wire {
    pub(super) fn headers(&self) -> Vec<(&[u8], &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect()
    }

    pub(super) fn as_request<'a>(&'a self, headers: &'a [(&'a [u8], &'a [u8])]) -> Request<'a> {
        Request { method: self.method.as_bytes(), path: self.path.as_deref(), headers }
    }
}

fn header(line: &OsStr, policy: Option<&Policy>, known: &KnownKeys) -> Result<(String, Vec<u8>), Failure> {
    let line = bytes(line);
    let wrong = || Failure::usage("a header looks like this: --header 'name: value'");
    let colon = line.iter().position(|byte| *byte == b':').filter(|at| *at > 0).ok_or_else(wrong)?;
    let (name, value) = line.split_at_checked(colon).ok_or_else(wrong)?;
    let name = std::str::from_utf8(name).map_err(|_| wrong())?.to_ascii_lowercase();
    let value = value.strip_prefix(b":").unwrap_or(value);
    let value = value.strip_prefix(b" ").unwrap_or(value);
    if let Some(policy) = policy {
        warn_of_pasted_key(policy, value);
    }
    Ok((name, known.fill(value)?))
}

/// A real key on the command line is in the shell's history and in every process list.
fn warn_of_pasted_key(policy: &Policy, value: &[u8]) {
    let is_token = |word: &[u8]| word.starts_with(b"eyJ") && word.contains(&b'.');
    let is_key = |word: &[u8]| policy.key_formats().classify(word).is_ok() || is_token(word);
    if value.split(|byte| *byte == b' ').any(is_key) {
        output::talk(
            "warning: a key or a token on the command line stays in the shell's history and shows in process lists",
        );
        output::talk(&format!("hint: --key-stdin reads it from stdin; {KEY_VARIABLE} in the environment works too"));
    }
}

/// The key where the policy looks for it first.
fn credential(policy: &PolicySpec, key: &str) -> Result<(String, Vec<u8>), Failure> {
    let header = policy.credentials.iter().find(|it| it.place == CredentialPlace::Header);
    let spec = header.ok_or_else(|| {
        Failure::usage("the policy takes no key from a header\nhint: --path or --header with `{key:NAME}`")
    })?;
    let value = spec.scheme.as_ref().map_or_else(|| key.to_owned(), |scheme| format!("{scheme} {key}"));
    Ok((spec.name.to_ascii_lowercase(), value.into_bytes()))
}

#[cfg(unix)]
fn bytes(text: &OsStr) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(text).to_vec()
}

#[cfg(not(unix))]
fn bytes(text: &OsStr) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}
