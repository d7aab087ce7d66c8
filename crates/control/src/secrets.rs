//! Secrets: values that skills use at the edge and nobody sees, not even the control plane once it has sealed them.
//!
//! It speaks no HTTP and no SQL, and cannot open what it stores. Invariants: a value is in no answer, error, log or row; it is
//! stored sealed to every key of the edges or not at all; whoever may not see a secret is told that there is none.

mod fields;
mod manage;
mod view;

pub(crate) use fields::name;
pub(crate) use manage::{create, list, remove, replace, show, update};
