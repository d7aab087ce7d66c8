//! A request that a key may make, for the example beside a new one.
//!
//! The engine picks it, so what the page shows is what edges let pass.

use portcullis_api::explain::{CheckOutcome, Explain, Explanation};
use portcullis_engine::spec::{Access, RuleSpec};

use super::Asked;
use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;

/// So many rules are tried.
const MOST: usize = 32;

/// The path of a `GET` that the key may make: of one for every address, if it is for some addresses alone; none if no rule
/// lets it pass.
pub(crate) async fn example(app: &App, by: &Caller, key: &str) -> Result<Option<String>, Error> {
    by.require(KeysRead)?;
    let (policy, mut second) = (app.policy(), None);
    let mut asked = Asked::about(app, by, policy.clone(), key).await?;
    for rule in policy.spec().rules.iter().filter(|rule| is_read(rule)).take(MOST) {
        // It is pasted into a shell.
        let Some(path) = Some(path(&rule.path)).filter(|path| path.bytes().all(is_plain)) else { continue };
        let request = Explain { method: "GET".to_owned(), path: path.clone(), ..Explain::default() };
        let explained = asked.explain(&request, None);
        if explained.allowed {
            return Ok(Some(path));
        }
        if depends_on_the_caller(&explained) {
            second.get_or_insert(path);
        }
    }
    Ok(second)
}

fn is_read(rule: &RuleSpec) -> bool {
    rule.access == Access::Key && (rule.methods.is_empty() || rule.methods.iter().any(|method| method == "GET"))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte)
}

fn depends_on_the_caller(explained: &Explanation) -> bool {
    let denied = explained.checks.iter().find(|check| check.outcome == CheckOutcome::Denied);
    denied.is_some_and(|check| matches!(check.step.as_str(), "ip" | "referrer"))
}

/// A path that a template matches.
fn path(template: &str) -> String {
    let segments = template.strip_suffix("/**").unwrap_or(template).split('/');
    let path =
        segments.map(|segment| if segment.starts_with('{') { "1" } else { segment }).collect::<Vec<_>>().join("/");
    if path.is_empty() { "/".to_owned() } else { path }
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn templates_have_paths() {
        for (template, expected) in
            [("/**", "/"), ("/", "/"), ("/v1/users/{id}", "/v1/users/1"), ("/v1/files/**", "/v1/files")]
        {
            assert_eq!(path(template), expected);
        }
    }
}
