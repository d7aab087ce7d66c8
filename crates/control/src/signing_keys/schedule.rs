//! Which key signs when, and for how long what it signed is accepted: from rows to rows.
//!
//! It reads no clock and makes no keys. Invariants: as long as any key may sign, one does; a key that does not sign any more
//! is accepted until the last token that it may have signed has ended.

use portcullis_token::Algorithm;

use crate::clock::DAY;
use crate::store::TokenKeyRow;

/// A key is published for so long before it signs, so that whoever keeps a copy of the published keys has it by then.
pub(crate) const AHEAD: u64 = 10 * 60;
/// Longer than clocks of control planes differ, and than a request takes.
const MARGIN: u64 = 5 * 60;
/// Keys that were revoked are listed for so long.
const REMEMBERED: u64 = 30 * DAY;

/// What a schedule goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) algorithm: Algorithm,
    /// For how long a key signs.
    pub(super) signs_for: u64,
    /// For how long a token may be accepted, the difference of clocks included.
    pub(super) token_lives: u64,
}

/// What a key is at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It is published and does not sign yet.
    Next,
    /// It signs.
    Active,
    /// It signs no more; what it signed is accepted.
    Retiring,
    /// Nothing that it signed is accepted.
    Revoked,
}

impl Phase {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }

    pub(super) fn of(row: &TokenKeyRow, rows: &[TokenKeyRow], now: u64) -> Self {
        if row.revoked_at.is_some() {
            return Self::Revoked;
        }
        if signer(rows, now).is_some_and(|it| it.kid == row.kid) {
            return Self::Active;
        }
        if row.signs_from > now && row.signs_until.is_none() { Self::Next } else { Self::Retiring }
    }
}

/// The key that signs at a time: of those whose time has come the last. By a clock that is behind that of whoever made the
/// first one, none's has; then it signs all the same.
pub(super) fn signer(rows: &[TokenKeyRow], now: u64) -> Option<&TokenKeyRow> {
    let signs = |row: &&TokenKeyRow| {
        row.revoked_at.is_none() && row.secret.is_some() && row.signs_until.is_none_or(|until| now < until)
    };
    let begun = rows.iter().filter(signs).filter(|row| row.signs_from <= now);
    let begun = begun.max_by_key(|row| (row.signs_from, &row.kid));
    begun.or_else(|| rows.iter().filter(signs).min_by_key(|row| (row.signs_from, &row.kid)))
}

/// From when on a new key has to sign, if one is due.
pub(super) fn due(rows: &[TokenKeyRow], terms: Terms, now: u64, opens: impl Fn(&TokenKeyRow) -> bool) -> Option<u64> {
    if signer(rows, now).is_none_or(|row| !opens(row)) {
        return Some(now);
    }
    let newest = rows.iter().filter(|row| row.revoked_at.is_none()).max_by_key(|row| row.signs_from)?;
    if newest.algorithm != terms.algorithm.as_str() {
        return Some(now + AHEAD);
    }
    let end = newest.signs_from.saturating_add(terms.signs_for);
    (now + AHEAD >= end).then(|| end.max(now + AHEAD))
}

/// The same keys and one that signs after them.
pub(super) fn followed(rows: Vec<TokenKeyRow>, new: TokenKeyRow, terms: Terms) -> Vec<TokenKeyRow> {
    let mut rows = ended(rows, new.signs_from, terms);
    rows.push(new);
    rows
}

/// The same keys, of which one that is to sign later does so now.
pub(super) fn hurried(mut rows: Vec<TokenKeyRow>, kid: &str, now: u64, terms: Terms) -> Vec<TokenKeyRow> {
    let Some(place) = rows.iter().position(|row| row.kid == kid) else { return rows };
    let next = rows.swap_remove(place);
    followed(rows, TokenKeyRow { signs_from: now, signs_until: None, accepted_until: None, ..next }, terms)
}

/// None of them signs from then on.
fn ended(rows: Vec<TokenKeyRow>, at: u64, terms: Terms) -> Vec<TokenKeyRow> {
    let end = |row: TokenKeyRow| {
        let signs_on = row.revoked_at.is_none() && row.signs_until.is_none_or(|until| until > at);
        if !signs_on {
            return row;
        }
        let accepted_until = at.saturating_add(terms.token_lives).saturating_add(MARGIN);
        TokenKeyRow { signs_until: Some(at), accepted_until: Some(accepted_until), ..row }
    };
    rows.into_iter().map(end).collect()
}

/// The same keys, of which one is revoked. The private half is destroyed.
pub(super) fn revoked(rows: Vec<TokenKeyRow>, kid: &str, now: u64) -> Vec<TokenKeyRow> {
    let revoke = |row: TokenKeyRow| match row.kid == kid && row.revoked_at.is_none() {
        true => TokenKeyRow { secret: None, revoked_at: Some(now), ..row },
        false => row,
    };
    rows.into_iter().map(revoke).collect()
}

/// The one that signs next, if one is there that does not yet.
pub(super) fn next(rows: &[TokenKeyRow], now: u64) -> Option<&TokenKeyRow> {
    rows.iter().find(|row| Phase::of(row, rows, now) == Phase::Next)
}

/// Those that are still of any use: what nothing is accepted of any more is gone, its private half with it.
pub(super) fn pruned(mut rows: Vec<TokenKeyRow>, now: u64) -> Vec<TokenKeyRow> {
    rows.retain(|row| match (row.revoked_at, row.accepted_until) {
        (Some(at), _) => now < at.saturating_add(REMEMBERED),
        (None, Some(until)) => now < until,
        (None, None) => true,
    });
    rows
}

#[cfg(test)]
mod tests;
