//! The dashboard's pages: what each shows, as plain data with a template.
//!
//! Nothing here reads the store, decides or checks a right; handlers load, ask `Can` and render. Invariants: a page
//! works without JavaScript and keeps to `default-src 'none'` (no inline style, script or handler); text is escaped
//! by the templates; a secret stands in a page's body only, never in an address.

pub(crate) mod apps;
pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod edges;
pub(crate) mod explain;
pub(crate) mod form;
pub(crate) mod gate;
pub(crate) mod key;
pub(crate) mod key_forms;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod message;
pub(crate) mod organization;
pub(crate) mod overview;
pub(crate) mod parts;
pub(crate) mod plans;
pub(crate) mod policy;
pub(crate) mod quota;
pub(crate) mod receipt;
pub(crate) mod restrictions;
pub(crate) mod secrets;
pub(crate) mod settings;
pub(crate) mod shell;
pub(crate) mod signing_keys;
pub(crate) mod skills;
pub(crate) mod text_diff;
pub(crate) mod trial;
pub(crate) mod usage;
pub(crate) mod webhooks;
pub(crate) mod when;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
