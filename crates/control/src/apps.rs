//! Apps that act for people: OAuth 2.0 clients, what people allow them, and what is redeemed for it.
//!
//! As RFC 6749 and RFC 9700 (best current practice) have it, with less to choose from: authorization code, PKCE with S256
//! from everybody, exact redirect URIs. It speaks no HTTP and no SQL. Invariants: an app gets nothing that the person who
//! allowed it may not give, nothing that they unticked, and nothing beyond what it was registered for; what was to be used
//! once and is used twice ends the grant.

mod client;
mod consent;
mod fields;
mod grants;
mod inspect;
mod manage;
mod redeem;
mod redirect;
mod refresh;
mod request;
mod words;

pub(crate) use client::authenticate;
pub(crate) use consent::{Choice, Place, allow, consent};
pub(crate) use grants::{grant, list_grants, record_standing, record_without, revoke_grant};
pub(crate) use inspect::{Asker, Revoked, introspect, revoke_token};
pub(crate) use manage::{create, list, revoke, rotate, show, update};
pub(crate) use redeem::{Allowed, Stop, redeem};
pub(crate) use redirect::{host, source};
pub(crate) use refresh::refresh;
pub(crate) use request::{Asked, Prompt, Request, Wrong};
pub(crate) use words::in_words;
