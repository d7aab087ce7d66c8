//! What a value is for, sealed together with it: a box that is copied to another organisation, or under another name, is nothing.
//!
//! ```text
//! sealed text = organisation · NUL · name · NUL · value
//! ```
//! Whoever reads the database, a backup or a bundle has boxes, and the edges open boxes for whoever has a skill: without this, they would
//! open anybody's for anybody. Invariant: a value comes out for the purpose that it was sealed for, and for no other.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::keys::{PrivateKey, PublicKey};
use crate::sealed_box::{OVERHEAD, WeakKey, seal};

/// What a value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose<'a> {
    /// The organisation's id.
    pub organization: &'a str,
    /// What skills call the secret.
    pub name: &'a str,
}

impl Purpose<'_> {
    /// Seals a value for this. `random` must come from a secure source, and never be used again.
    pub fn seal(&self, recipient: &PublicKey, value: &[u8], random: [u8; 32]) -> Result<Vec<u8>, WeakKey> {
        seal(recipient, &self.text(value), random)
    }

    /// The value in a box that was sealed to that key for this.
    pub fn open(&self, key: &PrivateKey, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let text = key.open(sealed)?;
        self.value(&text).map(|value| Zeroizing::new(value.to_vec()))
    }

    /// How much longer a box is than the value in it.
    pub fn overhead(&self) -> usize {
        OVERHEAD + self.organization.len() + self.name.len() + 2
    }

    fn text(&self, value: &[u8]) -> Zeroizing<Vec<u8>> {
        let parts = [self.organization.as_bytes(), b"\0", self.name.as_bytes(), b"\0", value];
        Zeroizing::new(parts.concat())
    }

    fn value<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let rest = text.strip_prefix(self.organization.as_bytes())?.strip_prefix(b"\0")?;
        rest.strip_prefix(self.name.as_bytes())?.strip_prefix(b"\0")
    }
}
