//! What the holder of a credential is told: the lines that a client of the API finds in its environment.
//!
//! Invariant: a secret stands in what this returns and nowhere else.

use crate::policy::PolicyRoom;
use crate::public_url::PublicUrl;
use crate::secret::Secret;
use crate::store::KeyRow;

/// What variables are called where a policy has no name to call them by.
const DEFAULT_PREFIX: &str = "PORTCULLIS";

/// One line for each variable.
pub(super) fn env(policy: &PolicyRoom, row: &KeyRow, secret: &Secret, issuer: &PublicUrl) -> portcullis_api::Secret {
    let prefix = prefix(&policy.spec().name);
    portcullis_api::Secret::new(format!(
        "{prefix}_ORG_ID={}\n{prefix}_API_KEY={}\n{prefix}_API_SECRET={}\n{prefix}_AUTH_API_URL={issuer}\n",
        row.organization,
        row.id,
        secret.expose(),
    ))
}

/// A policy's name as the beginning of a variable's name.
fn prefix(name: &str) -> String {
    let letters = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let prefix: String = name.chars().map(letters).collect();
    let prefix = prefix.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    let is_name = prefix.chars().next().is_some_and(|first| first.is_ascii_alphabetic());
    if is_name { prefix } else { DEFAULT_PREFIX.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn variables_are_called_after_the_policy() {
        for (name, expected) in [
            ("scope", "SCOPE"),
            ("Scope API (v2)", "SCOPE_API_V2"),
            ("a--b_c", "A_B_C"),
            ("1password", "PORTCULLIS"),
            ("Überweisung", "BERWEISUNG"),
            ("", "PORTCULLIS"),
            ("€", "PORTCULLIS"),
        ] {
            assert_eq!(prefix(name), expected, "{name}");
        }
    }
}
