//! Sealed boxes: what secrets are kept in, from whoever enters them to the edge that uses them.
//!
//! The format is libsodium's `crypto_box_seal`, so that any client's own library makes the same; nothing is invented here.
//! It has no randomness: whoever seals brings 32 random bytes. Invariants: only the private key opens a box, and only whole
//! and unchanged; private keys and what was sealed print redacted and are wiped when dropped.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod keys;
mod purpose;
mod sealed_box;

pub use keys::{InvalidKey, KeyName, PrivateKey, PublicKey};
pub use purpose::Purpose;
pub use sealed_box::{OVERHEAD, WeakKey, seal};
