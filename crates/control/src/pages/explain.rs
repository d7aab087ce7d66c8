//! `/explain` and `/denials`: why a request passes or does not, check by check. The engine decides; this only shows.

use askama::Template;

use super::form::Problems;
use super::parts::Pager;
use super::shell::Shell;
use super::when::When;

/// `/explain`, before and after the question.
#[derive(Clone, Debug, Template)]
#[template(path = "explain.html")]
pub(crate) struct Explain {
    pub(crate) shell: Shell,
    pub(crate) explain: ExplainFields,
    /// Keys to pick from: id and name.
    pub(crate) keys: Vec<(String, String)>,
    pub(crate) explanation: Option<Explanation>,
}

/// The request to explain.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExplainFields {
    /// A key's id.
    pub(crate) key: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) address: String,
    pub(crate) referrer: String,
    pub(crate) origin: String,
    pub(crate) problems: Problems,
}

impl ExplainFields {
    /// The methods on offer and which is chosen.
    pub(crate) fn methods(&self) -> Vec<(&'static str, bool)> {
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
            .into_iter()
            .map(|method| (method, method == self.method))
            .collect()
    }
}

/// The answer.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    pub(crate) allowed: bool,
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// The policy's rule for the request: `GET /api/v1/skills/** wants skills:read`.
    pub(crate) rule: Option<String>,
    pub(crate) checks: Vec<Check>,
}

/// One check, in the order in which the edge makes it.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) step: String,
    pub(crate) outcome: Outcome,
    pub(crate) detail: String,
}

impl Check {
    /// What people call a step of the engine.
    pub(crate) fn label(step: &str) -> &str {
        match step {
            "route" => "Rule",
            "credential" => "Credential",
            "format" => "Key format",
            "lookup" => "Key record",
            "status" => "Status",
            "environment" => "Environment",
            "ip" => "Client address",
            "referrer" => "Referrer",
            "endpoint" => "Endpoint",
            "scopes" => "Scopes",
            "quota" => "Quota",
            other => other,
        }
    }
}

/// A reason for people to read: `ip_not_allowed` as `IP not allowed`.
pub(crate) fn reason_words(reason: &str) -> String {
    let words = reason.replace('_', " ");
    if let Some(rest) = words.strip_prefix("ip ") {
        return format!("IP {rest}");
    }
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    first + letters.as_str()
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Denied,
    /// It would have denied.
    Observed,
}

impl Outcome {
    fn class(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Denied => "denied",
            Self::Observed => "observed",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Denied => "denied: this decided",
            Self::Observed => "would have denied, but only counts",
        }
    }

    fn icon(self) -> &'static str {
        match self {
            Self::Passed => "check",
            Self::Denied => "cross",
            Self::Observed => "eye",
        }
    }
}

/// `GET /denials`: look one up, and the latest.
#[derive(Clone, Debug, Template)]
#[template(path = "denials.html")]
pub(crate) struct Denials {
    pub(crate) shell: Shell,
    pub(crate) request_id: String,
    pub(crate) problems: Problems,
    pub(crate) denials: Vec<DenialRow>,
    pub(crate) pager: Pager,
}

/// One denial in a listing.
#[derive(Clone, Debug)]
pub(crate) struct DenialRow {
    /// Absent = the request had none.
    pub(crate) request_id: Option<String>,
    pub(crate) at: When,
    pub(crate) reason: String,
    /// Absent = a newer edge's reason.
    pub(crate) status: Option<u16>,
    /// Id and name; absent = the key was not known.
    pub(crate) key: Option<(String, String)>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) address: String,
    pub(crate) edge: String,
}

/// `GET /denials/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "denial.html")]
pub(crate) struct Denial {
    pub(crate) shell: Shell,
    pub(crate) denial: DenialRow,
    pub(crate) code: String,
    /// What the reason means and what to do about it.
    pub(crate) meaning: String,
    /// The same request, asked again now.
    pub(crate) explanation: Option<Explanation>,
}
