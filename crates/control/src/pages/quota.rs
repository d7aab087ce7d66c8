//! Where a quota stands, in a card; the operator's page of an organisation's plan.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::Problems;
use super::parts::Bar;
use super::shell::Shell;
use super::when::When;

/// Where a quota stands, for those whose it is.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/quota.html")]
pub(crate) struct QuotaCard {
    /// The plan's name; `None` if there is none, or this is a key's own quota.
    pub(crate) plan: Option<String>,
    /// `None` = nobody counts.
    pub(crate) meter: Option<MeterFacts>,
}

impl HtmlSafe for QuotaCard {}

/// The period that runs.
#[derive(Clone, Debug)]
pub(crate) struct MeterFacts {
    pub(crate) used: u64,
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) topped_up: u64,
    pub(crate) held: u64,
    pub(crate) in_doubt: u64,
    /// Used and in doubt, of the limit.
    pub(crate) percent: u64,
    /// `31 Jan 2026, 00:00 (Europe/Berlin)`
    pub(crate) resets: String,
    pub(crate) resets_in: When,
    pub(crate) began: String,
}

impl MeterFacts {
    fn bar(&self) -> Bar {
        Bar::of_hundred(self.percent)
    }
}

/// `GET /organizations/{id}`, for the operator.
#[derive(Clone, Debug, Template)]
#[template(path = "organization_plan.html")]
pub(crate) struct OrganizationPlan {
    pub(crate) shell: Shell,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) quota: QuotaCard,
    pub(crate) plan: Option<String>,
    /// By name, and what people call each.
    pub(crate) plans: Vec<(String, String)>,
    pub(crate) time_zone: String,
    pub(crate) top_ups: Vec<TopUpRow>,
    pub(crate) tokens: String,
    pub(crate) note: String,
    pub(crate) problems: Problems,
}

/// Tokens that it got.
#[derive(Clone, Debug)]
pub(crate) struct TopUpRow {
    pub(crate) tokens: u64,
    pub(crate) note: String,
    pub(crate) given: When,
    pub(crate) ends: When,
}
