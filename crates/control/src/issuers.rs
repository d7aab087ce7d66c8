//! Other people's OIDC issuers: whose access tokens an organisation accepts besides ours, and for what.
//!
//! An issuer speaks for one row of `keys`, in its organisation and its environment, within its scopes, under its limits; who
//! in particular its tokens are about is told upstreams and means nothing here. So it takes the right to manage the
//! organisation to add one. Its public keys are fetched when it is added and every quarter of an hour from then on; what was
//! fetched last stays in force for a while if that goes wrong. Invariants: nothing is fetched from an address that the operator
//! does not allow; of one URL and one audience there is one issuer, since nobody could say whose a token is.

mod fetch;
mod fields;
mod manage;
mod published;
mod refresh;
mod turns;
mod view;

pub(crate) use manage::{create, list, refresh, remove, show, update};
pub(crate) use published::specs;
pub(crate) use refresh::run;
pub(crate) use turns::Fetches;
