//! `/policy`: the text, its versions, and what publishing another would change. Checking it is the policy crate's work.

use askama::Template;

use super::parts::{Code, Pager};
use super::shell::Shell;
use super::text_diff::TextDiff;
use super::when::When;

/// `GET /policy`.
#[derive(Clone, Debug, Template)]
#[template(path = "policy.html")]
pub(crate) struct PolicyPage {
    pub(crate) shell: Shell,
    pub(crate) current: VersionRow,
    pub(crate) toml: String,
    /// Empty for whoever is not the operator's.
    pub(crate) versions: Vec<VersionRow>,
    pub(crate) pager: Pager,
    pub(crate) cli: Code,
}

/// One published version.
#[derive(Clone, Debug)]
pub(crate) struct VersionRow {
    pub(crate) version: u64,
    pub(crate) published: When,
    /// Only for the operator's people.
    pub(crate) published_by: Option<String>,
    /// `from a file`, `restored from version 3`
    pub(crate) source: String,
    pub(crate) note: Option<String>,
    pub(crate) current: bool,
}

/// `GET /policy/edit` and `POST /policy/preview`: the editor, with what is wrong or what would change.
#[derive(Clone, Debug, Template)]
#[template(path = "policy_edit.html")]
pub(crate) struct PolicyEdit {
    pub(crate) shell: Shell,
    pub(crate) base_version: u64,
    pub(crate) toml: String,
    pub(crate) note: String,
    /// Absent before the first check.
    pub(crate) check: Option<PolicyCheck>,
}

/// What the check found.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyCheck {
    pub(crate) problems: Vec<PolicyProblem>,
    pub(crate) warnings: Vec<String>,
    /// Present if it can be published.
    pub(crate) difference: Option<Difference>,
}

/// Something that keeps it from being published.
#[derive(Clone, Debug)]
pub(crate) struct PolicyProblem {
    /// Absent if it is about the whole.
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Whom publishing changes something for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference {
    /// `3 keys lose access to POST /v1/charges`
    pub(crate) summary: String,
    pub(crate) loses: Vec<AccessChange>,
    pub(crate) gains: Vec<AccessChange>,
    /// What anyone can request from now on, by method and path, and what no longer.
    pub(crate) opens: Vec<(String, String)>,
    pub(crate) closes: Vec<(String, String)>,
    pub(crate) notes: Vec<String>,
    /// What changes in the text.
    pub(crate) text: TextDiff,
}

impl Difference {
    fn is_empty(&self) -> bool {
        let no_key = self.loses.is_empty() && self.gains.is_empty();
        no_key && self.opens.is_empty() && self.closes.is_empty() && self.notes.is_empty()
    }
}

/// One endpoint whose keys gain or lose it.
#[derive(Clone, Debug)]
pub(crate) struct AccessChange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) keys: u64,
    /// Ids and names of some.
    pub(crate) examples: Vec<(String, String)>,
}

/// `GET /policy/versions/{n}`.
#[derive(Clone, Debug, Template)]
#[template(path = "policy_version.html")]
pub(crate) struct PolicyVersion {
    pub(crate) shell: Shell,
    pub(crate) row: VersionRow,
    pub(crate) toml: String,
    /// What restoring it would change; absent for the current one, and for one that cannot be restored.
    pub(crate) difference: Option<Difference>,
    /// What restoring it would change in the text, and what changed in it then.
    pub(crate) texts: Vec<TextDiff>,
}

impl PolicyEdit {
    fn is_publishable(&self) -> bool {
        self.check.as_ref().is_some_and(|check| check.difference.is_some())
    }

    /// The lines and whether one has a problem; empty without problems.
    fn marked_lines(&self) -> Vec<(&str, bool)> {
        let problems = self.check.as_ref().map_or(&[][..], |check| check.problems.as_slice());
        if problems.is_empty() {
            return Vec::new();
        }
        let wrong = |number: usize| problems.iter().any(|problem| problem.line == Some(number));
        self.toml.lines().zip(1..).map(|(line, number)| (line, wrong(number))).collect()
    }
}
