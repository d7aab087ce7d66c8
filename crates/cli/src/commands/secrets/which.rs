//! Which secret is meant: by its id, or by what skills call it.
//!
//! Invariant: a name that is none is not sent and not repeated: it may be a value.

use portcullis_api::SecretRecord;
use portcullis_engine::skill::is_secret_name;
use portcullis_sdk::Client;

use crate::exit::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Its name, or its id: `sec_` and 16 characters.
    #[arg(value_name = "NAME|ID")]
    secret: String,
    /// The team's of that name; absent = yours.
    #[arg(long)]
    team: bool,
    /// The organisation's id; absent = the one your token is of.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
}

/// A name that a secret can have.
pub(super) fn name(text: &str) -> Result<&str, Failure> {
    let hint = "hint: lower-case letters, digits and `_`, beginning with a letter, such as weather_api_key";
    let fine = is_secret_name(text.as_bytes());
    if fine { Ok(text) } else { Err(Failure::usage(format!("that is not a name for a secret\n{hint}"))) }
}

impl Which {
    /// The one that is meant, to look at it: the caller's own before the team's.
    pub(super) async fn seen(&self, client: &Client) -> Result<SecretRecord, Failure> {
        match self.find(client, self.team).await? {
            None if !self.team => self.find(client, true).await?.ok_or_else(|| self.none()),
            found => found.ok_or_else(|| self.none()),
        }
    }

    /// The one that is meant, to change it: the team's only if that is said.
    pub(super) async fn meant(&self, client: &Client) -> Result<SecretRecord, Failure> {
        if let Some(found) = self.find(client, self.team).await? {
            return Ok(found);
        }
        if !self.team && self.find(client, true).await?.is_some() {
            let text = format!("you have no secret `{0}`, the team has\nhint: --team means the team's", self.secret);
            return Err(Failure::unable(text));
        }
        Err(self.none())
    }

    async fn find(&self, client: &Client, team: bool) -> Result<Option<SecretRecord>, Failure> {
        if self.is_id() {
            return Ok(Some(client.show_secret(&self.secret).await.map_err(|error| self.refusal(error))?));
        }
        Ok(client.find_secret(self.organization.as_deref(), name(&self.secret)?, team).await?)
    }

    fn is_id(&self) -> bool {
        self.secret.len() == "sec_".len() + 16 && self.secret.starts_with("sec_")
    }

    fn refusal(&self, error: portcullis_sdk::Error) -> Failure {
        match error {
            portcullis_sdk::Error::Refused(problem) if problem.code == "not_found" => self.none(),
            other => Failure::from(other),
        }
    }

    fn none(&self) -> Failure {
        let text = format!("there is no such secret: `{}`\nhint: `portcullis secrets list` shows them", self.secret);
        Failure::unable(text)
    }
}
