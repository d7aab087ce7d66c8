//! `GET /plans` and `GET /plans/{name}`: what organisations may use.

use askama::Template;

use super::form::Problems;
use super::limits::LimitFields;
use super::parts::Badge;
use super::shell::Shell;

/// All of them, and the form of a new one.
#[derive(Clone, Debug, Template)]
#[template(path = "plans.html")]
pub(crate) struct Plans {
    pub(crate) shell: Shell,
    pub(crate) rows: Vec<PlanRow>,
    pub(crate) fields: PlanFields,
    pub(crate) problems: Problems,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct PlanRow {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) limit: Option<u64>,
    /// `in 30 days`
    pub(crate) period: &'static str,
    /// `100 in 60 s, 20 at once`
    pub(crate) rate: Option<String>,
    pub(crate) default: Option<Badge>,
}

/// One, to be changed.
#[derive(Clone, Debug, Template)]
#[template(path = "plan.html")]
pub(crate) struct PlanPage {
    pub(crate) shell: Shell,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) fields: PlanFields,
    pub(crate) problems: Problems,
}

/// What is typed about one.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlanFields {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) limits: LimitFields,
    /// Value, words, what it means, whether it is the chosen one.
    pub(crate) lost_leases: Vec<(&'static str, &'static str, &'static str, bool)>,
    pub(crate) default: bool,
}
