//! Pages about the policy.

use portcullis_api::policy::{TextDifference, TextHunk};

use super::*;
use crate::pages::parts::{Code, Pager};
use crate::pages::policy::{
    AccessChange, Difference, PolicyCheck, PolicyEdit, PolicyPage, PolicyProblem, PolicyVersion, VersionRow,
};
use crate::pages::text_diff::TextDiff;

const POLICY: &str = include_str!("../../../../../policies/systemprompt/policy.toml");

fn difference(rich: bool) -> Difference {
    let change = |method: &str, keys| AccessChange {
        method: method.to_owned(),
        path: "/api/v1/agents/**".to_owned(),
        keys,
        examples: pairs(&[("key_4fTq9ZxLw2Pm0aRb", "checkout-api"), ("key_1", HOSTILE)]),
    };
    if !rich {
        return Difference { summary: "No key gains or loses access".to_owned(), ..Difference::default() };
    }
    Difference {
        summary: "3 keys lose access to DELETE /api/v1/agents/**".to_owned(),
        loses: vec![change("DELETE", 3)],
        gains: vec![change("GET", 1)],
        opens: pairs(&[("GET", "/health")]),
        closes: pairs(&[("*", HOSTILE)]),
        notes: strings(&["The scope `mcp:write` is gone."]),
        text: text("text-difference"),
    }
}

/// Two places, a hostile line, and one that is longer than any page is wide.
fn text(id: &'static str) -> TextDiff {
    let hunk = |old_line, new_line, lines: &[&str]| TextHunk { old_line, new_line, lines: strings(lines) };
    let (hostile, long) = (format!("-# {HOSTILE}"), format!("+all = [{}]", "\"agents:write\", ".repeat(20)));
    let rule = [" [[rules]]", " path = \"/api/v1/agents/**\"", "-methods = [\"DELETE\"]", &hostile, &long, " "];
    let hunks = vec![hunk(12, 12, &rule), hunk(108, 107, &[" # the end", "+access = \"public\""])];
    TextDiff::new(id, "What changes in the text", TextDifference { added: 2, removed: 2, hunks, cut: true })
}

fn version(version: u64, note: Option<&str>) -> VersionRow {
    VersionRow {
        version,
        published: ago(days(10 - version)),
        published_by: (version != 6).then(|| "Ada Lindqvist".to_owned()),
        source: "from the page".to_owned(),
        note: note.map(str::to_owned),
        current: version == 7,
    }
}

pub(super) fn pages() -> Vec<Page> {
    let edit = |check| PolicyEdit {
        shell: shell("Edit the policy", Section::Policy),
        base_version: 7,
        toml: format!("# {HOSTILE}\n{POLICY}"),
        note: String::new(),
        check,
    };
    let problem = PolicyProblem {
        line: Some(6),
        column: Some(5),
        message: "unknown scope `skils:read`".to_owned(),
        hint: Some("did you mean `skills:read`?".to_owned()),
    };
    let problem_check = PolicyCheck { problems: vec![problem], ..PolicyCheck::default() };
    let good = |rich| PolicyCheck {
        warnings: if rich { strings(&["no rule uses the scope `mcp:write`"]) } else { vec![] },
        difference: Some(difference(rich)),
        problems: vec![],
    };
    let old = |row, difference| PolicyVersion {
        shell: shell("Version", Section::Policy),
        row,
        toml: POLICY.to_owned(),
        difference,
        texts: vec![
            text("text-difference"),
            TextDiff::new("text-change", "Since version 4", TextDifference::default()),
        ],
    };
    let policy = PolicyPage {
        shell: shell("Policy", Section::Policy),
        current: version(7, Some("agents may be deleted")),
        toml: format!("# {HOSTILE}\n{POLICY}"),
        versions: vec![version(7, Some("agents may be deleted")), version(6, None), version(5, Some(HOSTILE))],
        pager: Pager::default(),
        cli: Code::example("policy-cli", "From the command line", "portcullis policy check policy.toml"),
    };
    vec![
        page("policy", &policy),
        page("policy-edit", &edit(None)),
        page("policy-edit-problem", &edit(Some(problem_check))),
        page("policy-preview", &edit(Some(good(true)))),
        page("policy-preview-same", &edit(Some(good(false)))),
        page("policy-version", &old(version(5, None), Some(difference(true)))),
        page("policy-version-current", &old(version(7, Some(HOSTILE)), None)),
    ]
}
