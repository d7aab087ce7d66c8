//! One of two policies that are compared: what it says to a request with a key, by the engine that edges run.
//!
//! A stand-in takes the place of a key and of its record: nobody's key is known here. Invariant: the answer is the
//! engine's, never a guess at it.

use std::net::IpAddr;

use portcullis_engine::key_format::{CHECKSUM_LEN, checksum};
use portcullis_engine::spec::{Checksum, CredentialPlace, CredentialSpec, KeyFormatSpec};
use portcullis_engine::{
    Ambient, Decision, KeyDigest, KeyId, KeyRecord, KeyStatus, KeyStore, OrganizationId, OrganizationState, Reason,
    Request, StoreUnavailable, TokenRecord, Unlimited, decide,
};

use super::PolicyRoom;
use crate::store::KeyGroup;

/// A policy, and what is asked of it more than once.
pub(super) struct Side<'a> {
    pub(super) room: &'a PolicyRoom,
    /// For each rule, the first one that wants the same.
    alike: Vec<usize>,
}

/// What a policy does with a request that has no key. Requests with equal answers are equal to every key, too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    rule: Option<usize>,
    refused: Option<Reason>,
}

impl Demand {
    /// Whether anyone may make the request.
    pub(super) fn is_public(self) -> bool {
        self.refused.is_none()
    }
}

impl<'a> Side<'a> {
    pub(super) fn new(room: &'a PolicyRoom) -> Self {
        let rules = &room.spec().rules;
        let wants = |rule: &portcullis_engine::spec::RuleSpec| {
            (rule.access, rule.all.clone(), rule.any.clone(), rule.environments.clone())
        };
        let wanted: Vec<_> = rules.iter().map(wants).collect();
        let alike = wanted.iter().map(|it| wanted.iter().position(|other| other == it).unwrap_or(usize::MAX)).collect();
        Self { room, alike }
    }

    /// What it does with a request that has no key.
    pub(super) fn demand(&self, method: &str, path: &str) -> Demand {
        let request = Request { method: method.as_bytes(), path: Some(path.as_bytes()), headers: &[] };
        let (rule, refused) =
            match decide(self.room.compiled(), &mut StandIn::default(), &request, &Nowhere, &mut Unlimited) {
                Decision::Allow(grant) => (grant.rule, None),
                Decision::Deny(denial) => (denial.rule, Some(denial.reason)),
            };
        Demand { rule: rule.and_then(|index| self.alike.get(index).copied()), refused }
    }

    /// Whether a key of that group may make the request.
    pub(super) fn allows(&self, method: &str, path: &str, key: &str, group: &KeyGroup) -> bool {
        let sent = Sent::of(self.room, path, key);
        let header = sent.header.as_ref().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let headers: Vec<_> = header.into_iter().collect();
        let request = Request { method: method.as_bytes(), path: Some(sent.path.as_bytes()), headers: &headers };
        matches!(
            decide(self.room.compiled(), &mut StandIn::of(group), &request, &Nowhere, &mut Unlimited),
            Decision::Allow(_)
        )
    }

    /// Whether a key is well-formed.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.room.compiled().key_formats().classify(key.as_bytes()).is_ok()
    }
}

/// An access token, of what has no prefix. Nobody signed it, and nobody looks.
const TOKEN: &str = "eyJ.stand-in.";

/// A key as the policy that issues such keys makes them; it opens nothing.
///
/// Its letters come from the end of the alphabet, so that it is malformed to a policy with fewer letters.
pub(super) fn key_like(format: Option<&KeyFormatSpec>, prefix: &str) -> String {
    let Some(format) = format else {
        return if prefix.is_empty() { TOKEN } else { prefix }.to_owned();
    };
    let sum = if format.checksum == Checksum::Crc32Base62 { CHECKSUM_LEN } else { 0 };
    let letters = format.alphabet.letters().iter().rev().cycle();
    let mut body: Vec<u8> = letters.copied().take(format.body_length.saturating_sub(sum)).collect();
    if sum > 0 {
        body.extend(checksum(&body));
    }
    format!("{prefix}{}", String::from_utf8_lossy(&body))
}

/// A request with a key in the first place where the policy looks for one.
struct Sent {
    path: String,
    header: Option<(String, String)>,
}

impl Sent {
    fn of(room: &PolicyRoom, path: &str, key: &str) -> Self {
        let places = &room.spec().credentials;
        // Tokens are taken from headers alone.
        let header = places.iter().find(|it| it.place == CredentialPlace::Header).filter(|_| key == TOKEN);
        let Some(CredentialSpec { place, name, scheme }) = header.or(places.first()) else {
            return Self { path: path.to_owned(), header: None };
        };
        let header = match (place, scheme) {
            (CredentialPlace::Header, Some(scheme)) => Some((name.to_ascii_lowercase(), format!("{scheme} {key}"))),
            (CredentialPlace::Header, None) => Some((name.to_ascii_lowercase(), key.to_owned())),
            (CredentialPlace::Cookie, _) => Some(("cookie".to_owned(), format!("{name}={key}"))),
            (CredentialPlace::Query, _) => return Self { path: format!("{path}?{name}={key}"), header: None },
        };
        Self { path: path.to_owned(), header }
    }
}

/// Every key is known and has these scopes, and every token is of this environment.
#[derive(Clone, Copy, Default)]
struct StandIn<'a> {
    scopes: &'a str,
    environment: &'a str,
}

impl<'a> StandIn<'a> {
    fn of(group: &'a KeyGroup) -> Self {
        Self { scopes: &group.scopes, environment: &group.environment }
    }

    fn record(self) -> KeyRecord<'a> {
        KeyRecord {
            id: KeyId::from_bytes([0; 10]),
            organization: OrganizationId::from_bytes([0; 10]),
            organization_state: OrganizationState::Active,
            organization_limits: Default::default(),
            status: KeyStatus::Active,
            expires_at: None,
            scopes: self.scopes,
            restrictions: None,
            skill: None,
        }
    }
}

impl KeyStore for StandIn<'_> {
    fn find(&mut self, _: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        Ok(Some(self.record()))
    }

    fn find_token(&mut self, _: &[u8], _: u64) -> Result<TokenRecord<'_>, Reason> {
        let Self { scopes, environment } = *self;
        Ok(TokenRecord { key: self.record(), environment, granted: scopes, scopes, subject: None })
    }
}

struct Nowhere;

impl Ambient for Nowhere {
    fn now(&self) -> u64 {
        0
    }

    fn source_address(&self) -> Option<IpAddr> {
        None
    }
}
