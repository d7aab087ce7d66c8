//! Values on their way into columns and out of them.
//!
//! It knows no table. Invariant: what a column holds either reads as what it should be, or is an error that names it.

use std::collections::BTreeSet;
use std::str::FromStr;

use portcullis_seal::KeyName;
use sqlx::Row as _;

use super::Row;
use crate::caller::Scope;
use crate::secret::SecretDigest;
use crate::store::{Count, StoreError};

/// One row was meant; none was there means that it changed since it was read.
pub(super) fn exactly_one(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Binds a query to a scope: `($n IS NULL OR organization = $n)`.
pub(super) fn only(scope: Scope) -> Option<String> {
    scope.only().map(|id| id.to_string())
}

/// SQL integers are signed. No time or version here comes near the limit.
pub(in crate::store) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(in crate::store) fn unsigned(column: &'static str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Unreadable { column })
}

pub(in crate::store) fn unsigned_or_null(column: &'static str, value: Option<i64>) -> Result<Option<u64>, StoreError> {
    value.map(|value| unsigned(column, value)).transpose()
}

pub(super) fn parsed<T: FromStr>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    text(column, row.try_get(column)?)
}

pub(in crate::store) fn text<T: FromStr>(column: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { column })
}

pub(super) fn parsed_or_null<T: FromStr>(row: &Row, column: &'static str) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(str::parse).transpose().map_err(|_| StoreError::Unreadable { column })
}

/// Names of the edges' keys, in one column.
pub(super) fn key_names_column(names: &BTreeSet<KeyName>) -> String {
    names.iter().map(KeyName::to_string).collect::<Vec<_>>().join(" ")
}

/// The same, read from it.
pub(super) fn key_names_or_null(row: &Row, column: &'static str) -> Result<Option<BTreeSet<KeyName>>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    let names = text.map(|text| text.split_whitespace().map(str::parse).collect::<Result<_, _>>()).transpose();
    names.map_err(|_| StoreError::Unreadable { column })
}

/// What a number of requests is about, in two columns.
pub(super) fn count_columns(count: &Count) -> (&'static str, &str) {
    match count {
        Count::Allowed => ("allowed", ""),
        Count::Denied(reason) => ("denied", reason),
        Count::Observed(reason) => ("observed", reason),
        Count::Unsampled => ("unsampled", ""),
    }
}

/// The same, read from them.
pub(super) fn count(row: &Row) -> Result<Count, StoreError> {
    let (kind, reason): (&str, String) = (row.try_get("kind")?, row.try_get("reason")?);
    match kind {
        "allowed" => Ok(Count::Allowed),
        "denied" => Ok(Count::Denied(reason)),
        "observed" => Ok(Count::Observed(reason)),
        "unsampled" => Ok(Count::Unsampled),
        _ => Err(StoreError::Unreadable { column: "kind" }),
    }
}

/// The same, if there is one.
pub(super) fn digest_or_null(row: &Row, column: &'static str) -> Result<Option<SecretDigest>, StoreError> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(|bytes| SecretDigest::from_bytes(bytes).ok_or(StoreError::Unreadable { column })).transpose()
}

/// SHA-256 of a secret.
pub(super) fn digest(row: &Row, column: &'static str) -> Result<SecretDigest, StoreError> {
    SecretDigest::from_bytes(row.try_get(column)?).ok_or(StoreError::Unreadable { column })
}
