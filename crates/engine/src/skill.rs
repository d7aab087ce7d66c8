//! Skills: which services a key may use, and which secrets may be sent to each.
//!
//! What a skill refers to was looked up before it came here; nothing is opened here. Invariants: a secret is found under a
//! service only if the skill links it to that service; a value prints redacted and is wiped when it is dropped.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::id::{OrganizationId, SecretId, SkillId};

/// A skill, with what its references stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Its name.
    pub id: SkillId,
    /// Whose it is: only that organisation's keys use it.
    pub organization: OrganizationId,
    /// What it refers to, each name once.
    pub secrets: Vec<SkillSecret>,
    /// The services it may use.
    pub services: Vec<ServiceLink>,
}

/// A service that a skill may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLink {
    /// The service's name.
    pub service: Box<str>,
    /// Which of the skill's secrets may be sent to it, by their places.
    pub secrets: Vec<usize>,
}

/// A reference to a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillSecret {
    /// The name it is referred to by.
    pub name: Box<str>,
    /// What became of it.
    pub state: SecretState,
}

/// What a reference stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// Nothing: there is no secret of that name.
    Missing,
    /// A secret whose value is not known here; it would be at an edge.
    Sealed(SecretId),
    /// A secret that cannot be opened here: it is sealed to other edges, or is nothing that a header can hold.
    Unreadable(SecretId),
    /// A secret and its value.
    Open(SecretId, SecretValue),
}

/// A secret's value: visible ASCII, spaces between and whatever is above, nothing that ends a line. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Arc<Zeroizing<Vec<u8>>>);

impl SecretValue {
    /// The longest value, in bytes.
    pub const MAX_LEN: usize = 4096;
    /// The shortest: what is shorter is in too many texts to be masked in an answer.
    pub const MIN_LEN: usize = 8;

    /// Takes a value that a header can hold; `None` if it cannot.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        let fits = (Self::MIN_LEN..=Self::MAX_LEN).contains(&bytes.len());
        // On its way a header loses them (RFC 9110, 5.5), and what comes back would not be found.
        let is_outer_space = bytes.starts_with(b" ") || bytes.ends_with(b" ");
        (fits && !is_outer_space && !bytes.iter().any(u8::is_ascii_control)).then(|| Self(Arc::new(bytes)))
    }

    /// Something that was made of a value, and is as secret.
    pub(crate) fn made_of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// The value itself. Never log or store what this returns.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(redacted)")
    }
}

/// Whether skills may call a secret so: `[a-z][a-z0-9_]{0,63}`.
pub fn is_secret_name(name: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
    name.len() <= 64 && name.first().is_some_and(u8::is_ascii_lowercase) && name.iter().all(letter)
}

impl Skill {
    /// The link to a service; `None` if the skill may not use it.
    pub fn link(&self, service: &str) -> Option<&ServiceLink> {
        self.services.iter().find(|link| &*link.service == service)
    }

    /// The secret of that name, if it may be sent over that link.
    pub fn secret(&self, link: &ServiceLink, name: &[u8]) -> Option<&SkillSecret> {
        let linked = link.secrets.iter().filter_map(|place| self.secrets.get(*place));
        linked.into_iter().find(|secret| secret.name.as_bytes() == name)
    }
}

impl SecretState {
    /// The secret it stands for.
    pub fn id(&self) -> Option<SecretId> {
        match self {
            Self::Missing => None,
            Self::Sealed(id) | Self::Unreadable(id) | Self::Open(id, _) => Some(*id),
        }
    }
}
