//! The one key there is for an explanation, or the one token.
//!
//! It is not looked for: whatever is sent is it. Invariant: a token that is not to be believed has no record.

use portcullis_bundle::AcceptedToken;
use portcullis_engine::{
    KeyDigest, KeyRecord, KeyStore, OrganizationLimits, OrganizationState, Reason, RestrictionSet, Skill,
    StoreUnavailable, TokenRecord,
};

use crate::error::Error;
use crate::store::{KeyRow, StoreError};

/// What a request is made with.
pub(super) struct Picked {
    known: Result<Known, Reason>,
    /// The scopes of the last token, which its record borrows.
    scopes: String,
    pub(super) write_implies_read: bool,
}

struct Known {
    row: KeyRow,
    state: OrganizationState,
    limits: OrganizationLimits,
    restrictions: RestrictionSet,
    skill: Option<Skill>,
    /// `None` = a token with all that the row holds.
    token: Option<AcceptedToken>,
}

impl Picked {
    /// A key, or a token of it that was verified.
    pub(super) fn new(
        row: KeyRow,
        state: OrganizationState,
        limits: OrganizationLimits,
        skill: Option<Skill>,
        token: Option<AcceptedToken>,
    ) -> Result<Self, Error> {
        let spec = row.published_restrictions();
        let unreadable = |_| Error::Store(StoreError::Unreadable { column: "restrictions" });
        let restrictions = RestrictionSet::compile(&spec).map_err(unreadable)?;
        Ok(Self::of(Ok(Known { row, state, limits, restrictions, skill, token })))
    }

    /// A token that is not believed.
    pub(super) fn refused(reason: Reason) -> Self {
        Self::of(Err(reason))
    }

    fn of(known: Result<Known, Reason>) -> Self {
        Self { known, scopes: String::new(), write_implies_read: false }
    }
}

impl Known {
    fn record(&self) -> KeyRecord<'_> {
        KeyRecord {
            id: self.row.id,
            organization: self.row.organization,
            organization_state: self.state,
            organization_limits: self.limits,
            status: self.row.published_status(),
            expires_at: self.row.expires_at,
            scopes: &self.row.scopes,
            restrictions: Some(&self.restrictions).filter(|it| !it.is_empty()),
            skill: self.skill.as_ref(),
        }
    }
}

impl KeyStore for Picked {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(self.known.as_ref().ok().map(Known::record))
    }

    fn find_token(&mut self, _: &[u8], _: u64) -> Result<TokenRecord<'_>, Reason> {
        let known = self.known.as_ref().map_err(|reason| *reason)?;
        let record = known.record();
        let Some(token) = &known.token else {
            let KeyRow { environment, scopes, .. } = &known.row;
            return Ok(TokenRecord { key: record, environment, granted: scopes, scopes, subject: None });
        };
        self.scopes = token.scopes_of(&record, self.write_implies_read);
        token.with_record(record, &self.scopes)
    }
}
