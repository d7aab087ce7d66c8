//! `/v1/secrets`. Values go out sealed; no answer has one.
//!
//! Invariant: nothing here sends `value`, which is for clients that cannot seal.

use std::collections::BTreeMap;

use portcullis_api::secrets::ListSecrets;
use portcullis_api::{CreateSecret, Page, ReplaceValue, SecretRecord, UpdateSecret};
use portcullis_seal::Purpose;
use reqwest::Method;

use crate::client::{Client, Written, accepted, read, segment, written};
use crate::error::Error;
use crate::sealing::{Pins, boxes};
use crate::value::SecretValue;

/// The most that a page can have.
const LARGEST_PAGE: u32 = 1000;

impl Client {
    /// The value of a secret of that name in that organisation in boxes, one for each of the edges' keys, by the keys' ids: what `sealed`
    /// of a request is.
    pub async fn seal_value(
        &self,
        organization: &str,
        name: &str,
        value: &SecretValue,
        pins: &Pins,
    ) -> Result<BTreeMap<String, String>, Error> {
        boxes(&self.list_edge_keys().await?, Purpose { organization, name }, value, pins)
    }

    /// Makes the secret, or enters another value for the one of that name; its revision is 1 if it is new. The request's own
    /// `sealed` and `value` do not count.
    pub async fn set_secret(
        &self,
        request: &CreateSecret,
        value: &SecretValue,
        pins: &Pins,
    ) -> Result<Written<SecretRecord>, Error> {
        let there = self.find_secret(request.organization.as_deref(), &request.name, request.team).await?;
        let Some(there) = there else { return self.create_secret(request, value, pins).await };
        out_of_sight(value, [request.description.as_deref(), Some(there.description.as_str())])?;
        let replaced = self.replace_value(&there, value, pins).await?;
        match &request.description {
            Some(text) if *text != there.description => self.describe_secret(&there.id, text).await,
            _ => Ok(replaced),
        }
    }

    /// Makes a secret: 409 `already_exists` if there is one of that name.
    pub async fn create_secret(
        &self,
        request: &CreateSecret,
        value: &SecretValue,
        pins: &Pins,
    ) -> Result<Written<SecretRecord>, Error> {
        out_of_sight(value, [Some(request.name.as_str()), request.description.as_deref()])?;
        let organization = match &request.organization {
            Some(named) => named.clone(),
            None => self.me().await?.organization,
        };
        let sealed = Some(self.seal_value(&organization, &request.name, value, pins).await?);
        let request = CreateSecret { sealed, value: None, ..request.clone() };
        // Not with an idempotency key: nothing is kept of what holds a value.
        written(accepted(self.request(Method::POST, "/v1/secrets")?.json(&request)).await?).await
    }

    /// Enters another value for a secret.
    pub async fn replace_secret(
        &self,
        id: &str,
        value: &SecretValue,
        pins: &Pins,
    ) -> Result<Written<SecretRecord>, Error> {
        self.replace_value(&self.show_secret(id).await?, value, pins).await
    }

    async fn replace_value(
        &self,
        there: &SecretRecord,
        value: &SecretValue,
        pins: &Pins,
    ) -> Result<Written<SecretRecord>, Error> {
        let sealed = self.seal_value(&there.organization, &there.name, value, pins).await?;
        let request = ReplaceValue { sealed: Some(sealed), value: None };
        self.write(Method::PUT, &format!("{}/value", secret(&there.id)), Some(&request)).await
    }

    /// The team's secret of that name in an organisation (`None` = the caller's), or the caller's own.
    pub async fn find_secret(
        &self,
        organization: Option<&str>,
        name: &str,
        team: bool,
    ) -> Result<Option<SecretRecord>, Error> {
        let me = self.me().await?;
        let owner = me.user.filter(|_| !team).map(|user| user.email);
        if owner.is_none() && !team {
            return Ok(None);
        }
        let organization = organization.map_or(me.organization, str::to_owned);
        let all = self.secrets_of(Some(organization)).await?;
        Ok(all.into_iter().find(|it| it.name == name && it.owner == owner))
    }

    /// Every secret that the caller sees of an organisation (`None` = of all), newest first.
    pub async fn secrets_of(&self, organization: Option<String>) -> Result<Vec<SecretRecord>, Error> {
        let mut query = ListSecrets { organization, limit: Some(LARGEST_PAGE), ..ListSecrets::default() };
        let mut all = Vec::new();
        loop {
            let page = self.list_secrets(&query).await?;
            all.extend(page.data);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// One page of secrets, newest first.
    pub async fn list_secrets(&self, query: &ListSecrets) -> Result<Page<SecretRecord>, Error> {
        read(self.request(Method::GET, "/v1/secrets")?.query(query)).await
    }

    /// One secret, without its value.
    pub async fn show_secret(&self, id: &str) -> Result<SecretRecord, Error> {
        self.get(&secret(id)).await
    }

    /// Says what a secret is for.
    pub async fn describe_secret(&self, id: &str, description: &str) -> Result<Written<SecretRecord>, Error> {
        let request = UpdateSecret { description: description.to_owned() };
        self.write(Method::PATCH, &secret(id), Some(&request)).await
    }

    /// Deletes a secret. Unless `force` is said, 409 `secret_in_use` if skills use it.
    pub async fn delete_secret(&self, id: &str, force: bool) -> Result<Written<SecretRecord>, Error> {
        self.remove(&secret(id), force).await
    }
}

/// The control plane cannot tell what was sealed, so it cannot refuse this.
fn out_of_sight<const N: usize>(value: &SecretValue, seen: [Option<&str>; N]) -> Result<(), Error> {
    let is_seen = seen.into_iter().flatten().any(|text| text.contains(value.expose()));
    if is_seen { Err(Error::ValueInSight) } else { Ok(()) }
}

fn secret(id: &str) -> String {
    format!("/v1/secrets/{}", segment(id))
}
