//! Skills: what may use which services, with which secrets.
//!
//! Invariant: what a name stands for is decided in one place, for whoever is shown it and for the edges alike.

mod resolve;

pub(crate) use resolve::Names;
#[cfg(test)]
pub(crate) use resolve::Resolved;
