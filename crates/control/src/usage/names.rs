//! What a query filters by, looked up before anything is added up: a misspelt name is not to read as "no usage".
//!
//! Invariant: a hint names what the caller may see, so rules of the policy only to those who may read it.

use portcullis_api::usage::ListUsage;
use portcullis_policy::nearest;

use crate::access::Permission::PolicyRead;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::fleet::{OTHER, rule_as_counted};
use crate::organizations;
use crate::store::UsageQuestion;

/// Fails if something is named that is not there. Finds the rules that are meant.
pub(super) async fn resolve(
    app: &App,
    by: &Caller,
    query: &ListUsage,
    question: &mut UsageQuestion,
) -> Result<(), Error> {
    if query.organization.is_some() {
        organizations::resolve(app, by, query.organization.as_deref()).await?;
    }
    if let Some(key) = question.key {
        app.store.key(question.scope, key).await?.ok_or(Error::NotFound("key"))?;
    }
    if let Some(name) = &query.environment {
        environment(app, question, name).await?;
    }
    if let Some(text) = query.route.as_deref().filter(|text| !text.is_empty()) {
        question.routes = Some(routes(app, by, question, text).await?);
    }
    Ok(())
}

/// One of the policy, or one that was: its requests are still there.
async fn environment(app: &App, question: &UsageQuestion, name: &str) -> Result<(), Error> {
    let policy = app.policy();
    let known = &policy.spec().environments;
    if known.iter().any(|it| it == name) {
        return Ok(());
    }
    let of_all = UsageQuestion { key: None, routes: None, ..question.clone() };
    let shown = rule_as_counted(&policy, name);
    if shown == name && !app.store.usage_routes(&of_all, "").await?.is_empty() {
        return Ok(());
    }
    let all = format!("known environments: `{}`", known.join("`, `"));
    let hint = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None => all,
    };
    let detail = format!("there is no environment `{shown}`\nhint: {hint}");
    Err(Error::invalid("/environment", detail))
}

/// The rules that a text means: the one that is written so, or those that have the path and at least the methods.
async fn routes(app: &App, by: &Caller, question: &UsageQuestion, text: &str) -> Result<Vec<String>, Error> {
    // Whoever did not use a rule did not misspell it.
    let of_all = UsageQuestion { key: None, environment: None, routes: None, ..question.clone() };
    let policy = app.policy();
    let text = rule_as_counted(&policy, text);
    if text.is_empty() {
        return Err(unknown_rule(&text, &[]));
    }
    let asked = Written::read(&text);
    let stored = app.store.usage_routes(&of_all, asked.path).await?;
    let meant: Vec<_> = stored.into_iter().filter(|it| *it == text || asked.is_part_of(it)).collect();
    if meant.contains(&text) {
        return Ok(vec![text]);
    }
    let rules: Vec<_> = policy.compiled().rules().iter().map(ToString::to_string).collect();
    let is_unused = text == OTHER || rules.iter().any(|it| asked.is_part_of(it));
    if !meant.is_empty() || is_unused {
        return Ok(if meant.is_empty() { vec![text] } else { meant });
    }
    let mut known = app.store.usage_routes(&of_all, "").await?;
    known.extend(rules.into_iter().filter(|_| by.permissions.has(PolicyRead)));
    Err(unknown_rule(&text, &known))
}

fn unknown_rule(text: &str, known: &[String]) -> Error {
    let path = |rule: &'_ String| Written::read(rule).path.to_owned();
    let paths: Vec<_> = known.iter().map(path).collect();
    let near = nearest(Written::read(text).path, paths.iter().map(String::as_str));
    let near = near.and_then(|near| known.iter().zip(&paths).find(|(_, path)| *path == near));
    let hint = match near {
        Some((rule, _)) => format!("did you mean `{rule}`?"),
        None => "`by=route` names those that there were".to_owned(),
    };
    Error::invalid(
        "/route",
        format!("no request came under a rule `{text}` then, and the policy has none\nhint: {hint}"),
    )
}

/// A rule as it is written: its methods, with commas between, and its path.
struct Written<'t> {
    methods: &'t str,
    path: &'t str,
}

impl<'t> Written<'t> {
    /// A path alone is one of whatever methods.
    fn read(text: &'t str) -> Self {
        let (methods, path) = text.split_once(' ').unwrap_or(("", text));
        Self { methods, path }
    }

    fn is_part_of(&self, rule: &str) -> bool {
        let rule = Written::read(rule);
        let has = |method: &str| rule.methods.split(',').any(|it| it == "*" || it.eq_ignore_ascii_case(method));
        rule.path == self.path && self.methods.split(',').all(|it| it.is_empty() || has(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_meant_by_some_of_its_methods() {
        for (asked, rule, expected) in [
            ("GET /a", "GET,HEAD /a", true),
            ("get /a", "GET,HEAD /a", true),
            ("HEAD,GET /a", "GET,HEAD /a", true),
            ("/a", "GET,HEAD /a", true),
            ("GET /a", "* /a", true),
            ("* /a", "* /a", true),
            ("* /a", "GET /a", false),
            ("GET,POST /a", "GET,HEAD /a", false),
            ("GET /a", "GET,HEAD /a/b", false),
            ("GET /b/a", "GET,HEAD /a", false),
            ("GET", "GET,HEAD /a", false),
            ("GE /a", "GET /a", false),
        ] {
            assert_eq!(Written::read(asked).is_part_of(rule), expected, "{asked} {rule}");
        }
    }
}
