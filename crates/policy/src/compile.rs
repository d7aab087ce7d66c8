//! From text to a compiled policy: the engine's refusals, put where they stand in the document.
//!
//! Adds no check of its own but that no whole key is published. The engine stops at its first problem; rules do not depend on each other, so the rule it
//! complains of is set aside and the rest compiled again, and every bad rule is reported at once.

use portcullis_engine::credential::CredentialSourceError::{Scheme, SchemeOutsideHeader};
use portcullis_engine::policy::{Location, PolicyError, PolicyProblem};
use portcullis_engine::{Policy, PolicySpec};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, MOST, Step};
use crate::secret::keys_in;
use crate::warning;

/// Longer names are not compared with each other.
const LONG_NAME: usize = 100;
/// Nobody reads a longer list of names.
const LONG_LIST: usize = 100_000;

/// A policy that can be served.
#[derive(Debug)]
pub struct Checked {
    /// As written.
    pub spec: PolicySpec,
    /// Compiled.
    pub policy: Policy,
    /// What it says and perhaps does not mean.
    pub warnings: Option<Diagnostics>,
}

/// Compiles a policy's text.
///
/// `file_name` is only printed. Fails on whatever [`parse`](crate::parse) refuses and on what the engine refuses.
pub fn compile(source: &str, file_name: &str) -> Result<(PolicySpec, Policy), Diagnostics> {
    let document = Document::parse(source, file_name)?;
    let spec = document.spec()?;
    compiled(&document, spec, file_name).map(|checked| (checked.spec, checked.policy))
}

/// Compiles a policy's text that is about to be published, and looks for what is valid and yet doubtful. Fails as
/// [`compile`] does, and where a whole key stands in the text.
pub fn check(source: &str, file_name: &str) -> Result<Checked, Diagnostics> {
    let document = Document::parse(source, file_name)?;
    let spec = document.spec()?;
    match keys_in(source, file_name, &spec.keys) {
        Some(keys) => Err(keys.diagnostics),
        None => compiled(&document, spec, file_name),
    }
}

fn compiled(document: &Document<'_>, spec: PolicySpec, file_name: &str) -> Result<Checked, Diagnostics> {
    match Policy::compile(&spec) {
        Ok(policy) => {
            let warnings = Diagnostics::collect(file_name, warning::all(document, &policy));
            Ok(Checked { spec, policy, warnings })
        }
        Err(first) => Err(Diagnostics::new(file_name, complain(document, &first), others(document, &spec, &first))),
    }
}

/// The complaints behind the first one.
fn others(document: &Document<'_>, spec: &PolicySpec, first: &PolicyError) -> Vec<Diagnostic> {
    let mut spec = spec.clone();
    let mut places: Vec<usize> = (0..spec.rules.len()).collect();
    let mut error = first.clone();
    let mut complaints = Vec::new();
    while let Some(bad) = bad_rule(&error.location).filter(|bad| *bad < spec.rules.len()) {
        spec.rules.remove(bad);
        places.remove(bad);
        let Err(next) = Policy::compile(&spec) else { break };
        error = next;
        complaints.push(complain(document, &in_document(&error, &places)));
        if complaints.len() + 1 == MOST {
            break;
        }
    }
    complaints
}

fn bad_rule(location: &Location) -> Option<usize> {
    location.index.filter(|_| location.field == "rules")
}

/// The same error with the indexes that the rules have in the document.
fn in_document(error: &PolicyError, places: &[usize]) -> PolicyError {
    let place = |index: usize| places.get(index).copied().unwrap_or(index);
    let mut error = error.clone();
    error.location.index = match bad_rule(&error.location) {
        Some(index) => Some(place(index)),
        None => error.location.index,
    };
    if let PolicyProblem::Tie { first } = &mut *error.problem {
        *first = place(*first);
    }
    error
}

fn complain(document: &Document<'_>, error: &PolicyError) -> Diagnostic {
    let path = steps(error);
    match &*error.problem {
        PolicyProblem::Tie { first } => {
            let line = document.line(&[Step::Key("rules"), Step::Index(*first), Step::Key("path")]);
            let message =
                format!("this rule and the one on line {line} are for the same requests and neither is more specific");
            document.complain(&path, message, hint(&error.problem))
        }
        problem => {
            let (message, rest) = split_hint(problem.to_string());
            document.complain(&path, message, hint(problem).or(rest))
        }
    }
}

/// How to fix it. The engine compares an unknown name with every known one, letter by letter.
fn hint(problem: &PolicyProblem) -> Option<String> {
    match problem {
        PolicyProblem::Unknown { name, known, .. }
            if name.len() > LONG_NAME || known.iter().map(String::len).sum::<usize>() > LONG_LIST =>
        {
            None
        }
        problem => problem.hint(),
    }
}

/// Some of the engine's messages carry their hint at the end.
fn split_hint(message: String) -> (String, Option<String>) {
    match message.split_once("; hint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (message, None),
    }
}

fn steps(error: &PolicyError) -> Vec<Step<'_>> {
    let Location { field, index, member, element } = error.location;
    let mut steps = vec![Step::Key(field)];
    steps.extend(index.map(Step::Index));
    steps.extend(member.map(Step::Key));
    steps.extend(element.map(Step::Index));
    match &*error.problem {
        PolicyProblem::Unknown { name, .. } if field == "messages" => steps.push(Step::Name(name)),
        PolicyProblem::EmptyText { field: code } | PolicyProblem::Text { field: code, .. } if field == "messages" => {
            steps.push(Step::Key(code));
        }
        PolicyProblem::Credential(SchemeOutsideHeader(_) | Scheme(_)) => steps.push(Step::Key("scheme")),
        PolicyProblem::Credential(_) => steps.push(Step::Key("name")),
        PolicyProblem::ServiceCredential(problem) => steps.extend(problem.member().map(Step::Key)),
        _ => {}
    }
    steps
}
