//! What a policy may say and perhaps does not mean.
//!
//! The engine finds it; this puts it into words and places. Invariant: a warning never keeps a policy from being served.

use portcullis_engine::Policy;
use portcullis_engine::policy::Gap;

use crate::diagnostic::{Diagnostic, Severity};
use crate::document::{Document, MOST, Step};

/// The warnings about a policy that compiles, [`MOST`] of them at most.
pub(crate) fn all(document: &Document<'_>, policy: &Policy) -> Vec<Diagnostic> {
    policy.gaps().iter().take(MOST).map(|gap| describe(document, gap)).collect()
}

fn describe(document: &Document<'_>, gap: &Gap) -> Diagnostic {
    let path = |rule| [Step::Key("rules"), Step::Index(rule), Step::Key("path")];
    let methods = listed(&gap.methods);
    let catcher = match gap.caught_by {
        Some(rule) => format!("the rule on line {}", document.line(&path(rule))),
        None => format!("the policy's default, on line {}", document.line(&[Step::Key("default")])),
    };
    let message = format!("{methods} of this path fall to {catcher}, which wants less");
    let hint = "add a rule for this path without `methods`, so that what is not listed is guarded too".to_owned();
    Diagnostic { severity: Severity::Warning, ..document.complain(&path(gap.rule), message, Some(hint)) }
}

/// `A`, `A and B`, `A, B and C`, each in backticks.
fn listed(methods: &[&str]) -> String {
    let quoted: Vec<_> = methods.iter().map(|method| format!("`{method}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
