//! What else people keep with a key: a small map of texts.
//!
//! It means nothing to the edge. Invariant: no entry holds what looks like a key or a token.

use std::collections::BTreeMap;

use super::fields::{misleads, no_secret};
use crate::error::Error;
use crate::policy::PolicyRoom;

const MAX_ENTRIES: usize = 20;
const MAX_NAME: usize = 40;
const MAX_VALUE: usize = 500;

/// Metadata as sent, if all of it may be stored.
pub(super) fn metadata(
    policy: &PolicyRoom,
    sent: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    if sent.len() > MAX_ENTRIES {
        return Err(Error::invalid("/metadata", format!("more than {MAX_ENTRIES} entries")));
    }
    sent.iter().map(|(name, value)| entry(policy, name, value)).collect()
}

fn entry(policy: &PolicyRoom, name: &str, value: &str) -> Result<(String, String), Error> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(is_name) {
        // It may be anything, a key too: it is not repeated.
        let detail = format!("expected names of 1 to {MAX_NAME} characters of a-z, 0-9, `_`, `.` and `-`");
        return Err(Error::invalid("/metadata", detail));
    }
    no_secret(policy, "/metadata", name)?;
    let pointer = format!("/metadata/{name}");
    let value = value.trim();
    if value.chars().count() > MAX_VALUE || value.chars().any(misleads) {
        return Err(Error::invalid(pointer, format!("expected at most {MAX_VALUE} characters on one line")));
    }
    no_secret(policy, &pointer, value)?;
    Ok((name.to_owned(), value.to_owned()))
}
