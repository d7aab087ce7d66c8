//! One module for each subcommand: its arguments and what it does.

pub(crate) mod bundle;
pub(crate) mod explain;
pub(crate) mod keys;
pub(crate) mod policy;
pub(crate) mod serve;
