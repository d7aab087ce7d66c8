//! What a directory takes of a key that changed, and what of it can be searched, folded.

use portcullis_api::KeyKind;
use portcullis_engine::OrganizationId;

use super::Place;
use crate::keys::life::Life;
use crate::store::KeySummary;

/// A key that is new, or of which something is.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) place: Place,
    pub(super) organization: OrganizationId,
    pub(super) kind: KeyKind,
    pub(super) environment: String,
    pub(super) life: Life,
    /// Folded, a line for each field.
    pub(super) text: String,
}

impl From<KeySummary> for Changed {
    fn from(key: KeySummary) -> Self {
        Self {
            place: (key.created_in, key.id),
            organization: key.organization,
            kind: key.kind,
            life: Life::from(&key),
            text: text(&key),
            environment: key.environment,
        }
    }
}

fn text(key: &KeySummary) -> String {
    let id = key.id.to_text();
    let mut text = String::new();
    for field in [key.name.as_str(), id.as_str(), &key.display, key.created_by.as_deref().unwrap_or_default()] {
        text.extend([field, "\n"]);
    }
    for (name, value) in &key.metadata {
        text.extend([name, "=", value, "\n"]);
    }
    fold(&text)
}

/// The same text for texts that differ in case alone, in every script.
pub(in crate::keys) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Upper case first: some letters have two lower cases (final sigma) or none of their own (sharp s).
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding() {
        for (one, other) in
            [("Till", "tILL"), ("ÄRGER", "ärger"), ("ΟΔΟΣ", "οδός".replace('ό', "ο").as_str()), ("Straße", "STRASSE")]
        {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("a"), fold("b"));
    }
}
