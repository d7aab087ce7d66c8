//! Skills: which services a key may use through the edge, and with which secrets.
//!
//! A skill names secrets; what a name stands for follows from whose the skill is, now and not when it was made. It speaks no HTTP
//! and no SQL. Invariants: no reference is ever found in another organisation; what somebody publishes or installs carries names
//! and no secret; what a name stands for is decided in one place, for whoever is shown it and for the edges alike.

mod fields;
mod known;
mod manage;
mod of_keys;
mod publish;
mod resolve;
mod view;
mod weight;

pub(crate) use known::of_key;
pub(crate) use manage::{create, keys, list, remove, show, update};
pub(crate) use of_keys::{Usable, may_use, usable};
pub(crate) use publish::{install, list_published, publish, show_published, unpublish, upgrade};
pub(crate) use resolve::{Names, Resolved};
pub(crate) use weight::{MOST_SEALED, Sizes, room_for_secret, weight};
