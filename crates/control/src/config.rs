//! What `portcullis serve` is told, and the files it keeps.
//!
//! First start makes a data folder and its secrets; later starts find them. Invariant: secrets are readable by their
//! owner alone.

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use portcullis_bundle::SigningKey;
use portcullis_engine::ip::Network;

use crate::database::Database;
use crate::limits::Limits;
use crate::public_url::PublicUrl;
use crate::random;
use crate::sealing::SealingKey;
use crate::secret_file::{self, SecretFileError};
use crate::token::Token;
use crate::webhooks::WebhookRules;

/// What to serve, and where.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder for whatever is not given.
    pub data: PathBuf,
    /// The database.
    pub database: Database,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The policy to publish, if it is new; what was published before serves without one.
    pub policy: Option<PolicyFile>,
    /// Instead of `data`/admin-token.
    pub admin_token_file: Option<PathBuf>,
    /// Instead of `data`/edge-token.
    pub edge_token_file: Option<PathBuf>,
    /// Instead of `data`/signing-key.
    pub signing_key_file: Option<PathBuf>,
    /// Where people reach it, if not where it listens.
    pub public_url: Option<PublicUrl>,
    /// Where clients reach the gateway, for examples on pages.
    pub gateway_url: Option<PublicUrl>,
    /// Proxies that are believed when they say whom a request is from.
    pub trusted_proxies: Vec<Network>,
    /// Whether the signing key may be another than the one that this database's bundles were signed with so far.
    pub replace_signing_key: bool,
    /// For how many days a key signs access tokens before another does.
    pub token_key_days: u16,
    /// Where webhooks may lead.
    pub webhooks: WebhookRules,
    /// How much to bear.
    pub limits: Limits,
}

/// A policy's text.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// What people call the file.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// Everything secret that the control plane has.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) admin_token: Token,
    pub(crate) edge_token: Token,
    pub(crate) signing_key: SigningKey,
    pub(crate) sealing_key: SealingKey,
}

impl Config {
    /// Makes the data folder if need be.
    pub(crate) fn make_folder(&self) -> Result<(), SecretFileError> {
        let failed = |source| SecretFileError::Io { what: "data folder", path: self.data.clone(), source };
        owner_only(DirBuilder::new().recursive(true)).create(&self.data).map_err(failed)
    }

    /// Reads the secrets; those that are not given are made at the first start.
    pub(crate) fn secrets(&self) -> Result<Secrets, SecretFileError> {
        let admin_token = self.token(self.admin_token_file.as_deref(), "admin-token", Token::new_admin)?;
        let edge_token = self.token(self.edge_token_file.as_deref(), "edge-token", Token::new_edge)?;
        let seed = self.signing_seed()?;
        let (signing_key, sealing_key) = (SigningKey::from_seed(seed), SealingKey::derive(&seed));
        Ok(Secrets { admin_token, edge_token, signing_key, sealing_key })
    }

    /// What an Envoy configuration needs, as a file to source.
    pub(crate) fn write_edge_env(&self, secrets: &Secrets) -> Result<(), SecretFileError> {
        let text = format!(
            "PORTCULLIS_EDGE_TOKEN={}\nPORTCULLIS_PUBLIC_KEY={}\n",
            secrets.edge_token.expose(),
            secrets.signing_key.public_key()
        );
        secret_file::replace(&self.data.join("edge.env"), &text)
    }

    fn token(
        &self,
        given: Option<&Path>,
        name: &str,
        make: fn() -> Result<Token, random::NoRandomness>,
    ) -> Result<Token, SecretFileError> {
        let path = given.map_or_else(|| self.data.join(name), Path::to_owned);
        let make = || make().map(|token| token.expose().to_owned());
        let text = read(&path, given.is_some(), || make().map_err(|error| SecretFileError::unusable(&path, error)))?;
        Token::parse(&text).map_err(|error| SecretFileError::unusable(&path, error))
    }

    fn signing_seed(&self) -> Result<[u8; 32], SecretFileError> {
        let given = self.signing_key_file.as_deref();
        let path = given.map_or_else(|| self.data.join("signing-key"), Path::to_owned);
        let make = || random::bytes::<32>().map(hex::encode);
        let text = read(&path, given.is_some(), || make().map_err(|error| SecretFileError::unusable(&path, error)))?;
        let mut seed = [0; 32];
        hex::decode_to_slice(&text, &mut seed)
            .map_err(|_| SecretFileError::unusable(&path, "expected an Ed25519 seed as 64 hex digits"))?;
        Ok(seed)
    }
}

/// A file that was named must be there; one that was not is made.
fn read(
    path: &Path,
    named: bool,
    make: impl FnOnce() -> Result<String, SecretFileError>,
) -> Result<String, SecretFileError> {
    if named { secret_file::read(path) } else { secret_file::read_or_create(path, make) }
}

#[cfg(unix)]
fn owner_only(builder: &mut DirBuilder) -> &mut DirBuilder {
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700)
}

#[cfg(not(unix))]
fn owner_only(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder
}
