//! What was wrong with a form that comes back, field by field, and scopes as a grid of boxes.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

/// Field to what is wrong with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(pub(crate) Vec<(&'static str, String)>);

impl Problems {
    /// The sentence below a field, if something is wrong with it.
    pub(crate) fn below(&self, field: &'static str) -> FieldProblem {
        let text = self.0.iter().find(|(name, _)| *name == field).map(|(_, text)| text.clone());
        FieldProblem { field, text }
    }

    /// The attributes of a field, so that assistive technology finds the sentence.
    pub(crate) fn mark(&self, field: &'static str) -> FieldMark {
        FieldMark { field, wrong: self.0.iter().any(|(name, _)| *name == field) }
    }
}

/// Below a field.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/problem.html")]
pub(crate) struct FieldProblem {
    field: &'static str,
    text: Option<String>,
}

impl HtmlSafe for FieldProblem {}

/// In a field's tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldMark {
    field: &'static str,
    wrong: bool,
}

/// Field names are literals.
impl HtmlSafe for FieldMark {}

impl fmt::Display for FieldMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wrong { write!(f, r#" aria-invalid="true" aria-describedby="{}-problem""#, self.field) } else { Ok(()) }
    }
}

/// Scopes of one resource: `skills` with `read` and `write`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeGroup {
    pub(crate) resource: String,
    pub(crate) choices: Vec<ScopeChoice>,
}

/// One scope to tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeChoice {
    /// `skills:read`
    pub(crate) scope: String,
    /// `read`
    pub(crate) label: String,
    pub(crate) checked: bool,
}

/// The policy's scopes as a grid. A scope that is held but no longer in the policy is shown too, or saving would drop it.
pub(crate) fn scope_groups(known: &[String], held: &[String]) -> Vec<ScopeGroup> {
    let mut groups: Vec<ScopeGroup> = Vec::new();
    let gone = held.iter().filter(|scope| !known.contains(scope));
    for scope in known.iter().chain(gone) {
        let (resource, label) = scope.rsplit_once(':').unwrap_or(("", scope));
        let choice = ScopeChoice { scope: scope.clone(), label: label.to_owned(), checked: held.contains(scope) };
        match groups.iter_mut().find(|group| group.resource == resource) {
            Some(group) => group.choices.push(choice),
            None => groups.push(ScopeGroup { resource: resource.to_owned(), choices: vec![choice] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_grouped_by_resource_and_held_ones_stay() {
        let known = ["skills:read", "skills:write", "admin"].map(str::to_owned);
        let held = ["skills:write", "old:read"].map(str::to_owned);
        let shown: Vec<_> = scope_groups(&known, &held)
            .into_iter()
            .map(|group| {
                let choices: Vec<_> =
                    group.choices.iter().map(|choice| format!("{}={}", choice.label, choice.checked)).collect();
                format!("{}: {}", group.resource, choices.join(" "))
            })
            .collect();
        assert_eq!(shown, ["skills: read=false write=true", ": admin=false", "old: read=true"]);
    }
}
