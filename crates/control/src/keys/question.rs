//! What a listing asks: whose keys, in which state, with which text.
//!
//! Invariant: text that looks like a key is never searched for; it would stand in addresses and logs.

use std::collections::BTreeSet;

use memchr::memmem::Finder;
use portcullis_api::keys::ListKeys;
use portcullis_api::{KeyKind, KeyStatus};
use portcullis_engine::{KeyId, OrganizationId};

use super::directory::{Place, fold};
use super::fields::misleads;
use super::life::Life;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::organizations;
use crate::policy::PolicyRoom;
use crate::store::KeyRow;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;
const MAX_TEXT: usize = 200;

/// Which keys to list.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) scope: Scope,
    /// `None` = what people make here: API keys and credentials.
    pub(super) kind: Option<KeyKind>,
    /// Only these.
    pub(super) own: Option<BTreeSet<KeyId>>,
    pub(super) status: Option<KeyStatus>,
    pub(super) environment: Option<String>,
    pub(super) overdue: bool,
    pub(super) idle: bool,
    /// Folded.
    pub(super) text: Option<String>,
    /// Only those behind this one.
    pub(super) after: Option<Place>,
    pub(super) limit: usize,
    pub(super) now: u64,
}

/// What is worked out once for many entries.
pub(super) struct Look<'a> {
    finder: Option<Finder<'a>>,
}

impl<'a> Look<'a> {
    /// Finds the text that is searched for, if there is one.
    pub(super) fn finder(&self) -> Option<&Finder<'a>> {
        self.finder.as_ref()
    }
}

impl Question {
    /// What was asked, if it can be.
    pub(super) fn parse(by: &Caller, policy: &PolicyRoom, query: &ListKeys, now: u64) -> Result<Self, Error> {
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid("/limit", format!("expected 1 to {MAX_LIMIT}")));
        }
        Ok(Self {
            scope: organizations::narrow(by, query.organization.as_deref())?,
            kind: query.kind,
            own: None,
            status: query.status,
            environment: query.environment.clone(),
            overdue: query.overdue.unwrap_or(false),
            idle: query.idle.unwrap_or(false),
            text: query.q.as_deref().map(|text| searchable(policy, text)).transpose()?.flatten(),
            after: query.cursor.as_deref().map(parse_cursor).transpose()?,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            now,
        })
    }

    /// Once for each walk through the keys.
    pub(super) fn begin(&self) -> Look<'_> {
        Look { finder: self.text.as_deref().map(Finder::new) }
    }

    /// Whether a key is asked for, as far as its id, its organisation, its kind and its times go.
    pub(super) fn admits(&self, id: &KeyId, organization: OrganizationId, kind: KeyKind, life: Life) -> bool {
        let is_of_kind = match self.kind {
            None => matches!(kind, KeyKind::ApiKey | KeyKind::Credential),
            Some(wanted) => wanted == kind,
        };
        is_of_kind
            && self.scope.covers(organization)
            && self.admits_life(life)
            && self.own.as_ref().is_none_or(|own| own.contains(id))
    }

    /// Whether a row, read after the directory was asked, is asked for by its times. The directory may not have heard of a
    /// key's last use yet: then it takes too many keys for idle, never too few.
    pub(super) fn still_admits(&self, row: &KeyRow) -> bool {
        self.admits_life(Life::from(row))
    }

    fn admits_life(&self, life: Life) -> bool {
        self.status.is_none_or(|it| it == life.status(self.now))
            && (!self.overdue || life.is_overdue(self.now))
            && (!self.idle || life.is_idle(self.now))
    }
}

/// The text to look for; none if it is blank.
fn searchable(policy: &PolicyRoom, text: &str) -> Result<Option<String>, Error> {
    let text = text.trim();
    if policy.spots_key_in(text) {
        let detail = "this looks like a key, which does not belong into an address\nhint: `POST /v1/keys:find` with \
                      `{\"key\": …}` finds the record of a whole key";
        return Err(Error::invalid("/q", detail));
    }
    if text.chars().count() > MAX_TEXT || text.chars().any(misleads) {
        return Err(Error::invalid("/q", format!("expected at most {MAX_TEXT} characters on one line")));
    }
    Ok(Some(fold(text)).filter(|text| !text.is_empty()))
}

/// Where the page behind this key begins.
pub(super) fn cursor_after(row: &KeyRow) -> String {
    format!("{}.{}", row.created_in, row.id)
}

fn parse_cursor(text: &str) -> Result<(u64, KeyId), Error> {
    let parts = text.split_once('.').and_then(|(version, id)| Some((version.parse().ok()?, id.parse().ok()?)));
    parts.ok_or_else(|| Error::invalid("/cursor", "expected the `next_cursor` of the page before"))
}
