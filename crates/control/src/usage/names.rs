//! What a query filters by, looked up before anything is added up: a rule is found by some of its methods.

use portcullis_api::usage::ListUsage;

use crate::app::App;
use crate::error::Error;
use crate::fleet::rule_as_counted;
use crate::store::UsageQuestion;

/// Finds the rules that are meant.
pub(super) async fn resolve(app: &App, query: &ListUsage, question: &mut UsageQuestion) -> Result<(), Error> {
    if let Some(text) = query.route.as_deref().filter(|text| !text.is_empty()) {
        question.routes = Some(routes(app, question, text).await?);
    }
    Ok(())
}

/// The rules that a text means: the one that is written so, or those that have the path and at least the methods.
async fn routes(app: &App, question: &UsageQuestion, text: &str) -> Result<Vec<String>, Error> {
    let of_all = UsageQuestion { key: None, environment: None, routes: None, ..question.clone() };
    let policy = app.policy();
    let text = rule_as_counted(&policy, text);
    let asked = Written::read(&text);
    let stored = app.store.usage_routes(&of_all, asked.path).await?;
    let meant: Vec<_> = stored.into_iter().filter(|it| *it == text || asked.is_part_of(it)).collect();
    let is_written_so = meant.is_empty() || meant.contains(&text);
    Ok(if is_written_so { vec![text] } else { meant })
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
