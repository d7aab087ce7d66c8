//! Passwords: argon2id, checked beside the requests and a few at a time.
//!
//! Invariants: `Debug` shows neither a password nor its hash; a check for somebody who is not there costs what any other
//! does; however many sign in at once, memory and processors are left for everything else.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// At work at once: each takes a processor and 19 MiB.
const AT_WORK: usize = 2;
/// Waiting or at work; whoever comes then is told to come back.
const PLACES: usize = 64;
const BACK_IN_SECONDS: u64 = 2;
/// What OWASP recommends for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Shorter ones are guessed.
const MIN_CHARACTERS: usize = 12;
/// Longer ones only cost time.
const MAX_BYTES: usize = 512;
/// Checked in place of the hash of somebody who is not there. Nothing matches it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password as somebody typed it.
#[derive(Clone)]
pub(crate) struct Password(String);

impl Password {
    /// One to be checked.
    pub(crate) fn typed(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Fails unless it will do as a new one; `pointer` says where it stands.
    pub(crate) fn will_do(&self, pointer: &str, email: &str) -> Result<(), Error> {
        if self.0.chars().count() < MIN_CHARACTERS || self.0.len() > MAX_BYTES {
            let detail = format!("expected at least {MIN_CHARACTERS} characters and at most {MAX_BYTES} bytes");
            return Err(Error::invalid(pointer, detail));
        }
        let mut letters = self.0.chars();
        let first = letters.next();
        if letters.all(|letter| Some(letter) == first) || self.0.to_lowercase().contains(email) {
            return Err(Error::invalid(pointer, "this is easily guessed: choose another"));
        }
        Ok(())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// What a password is checked against, as it is stored: a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(String);

impl PasswordHash {
    /// From a column.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// As a column holds it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

/// Where passwords are hashed and checked. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), at_work: Arc::new(Semaphore::new(AT_WORK)) }
    }

    /// What to store of a new password.
    pub(crate) async fn hash(&self, password: &Password) -> Result<PasswordHash, Error> {
        let Password(text) = password.clone();
        let hash = move || argon2().ok()?.hash_password(text.as_bytes()).ok().map(|hash| hash.to_string());
        self.work(hash).await?.map(PasswordHash).ok_or(Error::Password)
    }

    /// Whether it is the right one. Of somebody who is not there none is.
    pub(crate) async fn is_right(&self, hash: Option<&PasswordHash>, password: &Password) -> Result<bool, Error> {
        let (there, Password(text)) = (hash.is_some(), password.clone());
        let hash = hash.map_or(NOBODY, PasswordHash::as_str).to_owned();
        let matches = move || {
            let hash = phc::PasswordHash::new(&hash).ok()?;
            Some(argon2().ok()?.verify_password(text.as_bytes(), &hash).is_ok())
        };
        Ok(self.work(matches).await?.ok_or(Error::Password)? && there)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let busy = |_| Error::TooMany { retry_after: BACK_IN_SECONDS };
        let place = self.places.clone().try_acquire_owned().map_err(busy)?;
        let turn = self.at_work.clone().acquire_owned().await.map_err(|_| Error::Password)?;
        // They go with the work, not with whoever waits for it.
        let held = move |_: (OwnedSemaphorePermit, OwnedSemaphorePermit)| work();
        tokio::task::spawn_blocking(move || held((place, turn))).await.map_err(|_| Error::Password)
    }
}

fn argon2() -> Result<Argon2<'static>, argon2::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, PASSES, LANES, None)?))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_password_is_right() {
        let (passwords, right) = (Passwords::new(), Password::typed("correct horse battery"));
        let hash = passwords.hash(&right).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.is_right(Some(&hash), &right).await.unwrap());
        for wrong in ["", "correct horse batterY", "correct horse battery "] {
            assert!(!passwords.is_right(Some(&hash), &Password::typed(wrong)).await.unwrap(), "{wrong}");
        }
        assert!(!passwords.is_right(None, &right).await.unwrap());
        assert!(passwords.is_right(Some(&PasswordHash("nonsense".to_owned())), &right).await.is_err());
        assert_eq!(format!("{right:?} {hash:?}"), "Password(redacted) PasswordHash(redacted)");
    }

    #[tokio::test]
    async fn somebody_who_is_not_there_costs_the_same_work_and_takes_their_turn() {
        let (passwords, typed) = (Passwords::new(), Password::typed("correct horse battery"));
        let hash = passwords.hash(&typed).await.unwrap();
        let cost = |text: &str| text.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(NOBODY), cost(hash.as_str()));
        for hash in [Some(&hash), None] {
            let all = passwords.at_work.acquire_many(AT_WORK as u32).await.unwrap();
            let mut checked = Box::pin(passwords.is_right(hash, &typed));
            assert!((&mut checked).now_or_never().is_none());
            drop(all);
            assert_eq!(checked.await.unwrap(), hash.is_some());
        }
        let _places = passwords.places.acquire_many(PLACES as u32).await.unwrap();
        assert!(matches!(passwords.is_right(None, &typed).await, Err(Error::TooMany { .. })));
    }

    #[test]
    fn new_ones_must_be_long_and_not_obvious() {
        for (text, fine) in [
            ("correct horse battery", true),
            ("äöüäöüäöüäöü", true),
            ("short", false),
            ("aaaaaaaaaaaaaaaa", false),
            ("my Ada@Example.com!", false),
            ("", false),
        ] {
            assert_eq!(Password::typed(text).will_do("/password", "ada@example.com").is_ok(), fine, "{text}");
        }
        assert!(Password::typed("ab".repeat(300)).will_do("/password", "ada@example.com").is_err());
    }
}
