//! The scopes that somebody asks for, out of those that there are.
//!
//! Invariant: what comes out is held, whole: nothing is left out that was asked for, and nothing added.

use portcullis_engine::scope::{canonical_grants, common_grants};

use crate::policy::PolicyRoom;

/// Something was asked for that is not held, or is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotHeld;

/// What was asked for, in its one text; everything if nothing in particular was.
pub(crate) fn narrowed(policy: &PolicyRoom, held: &str, asked: Option<&str>) -> Result<String, NotHeld> {
    let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) else { return Ok(held.to_owned()) };
    let wanted = canonical_grants(asked.split(' ').filter(|word| !word.is_empty())).map_err(|_| NotHeld)?;
    let common = common_grants(&wanted, held, policy.spec().write_implies_read);
    let is_held = wanted.split(' ').all(|scope| common.split(' ').any(|it| it == scope));
    if is_held { Ok(wanted) } else { Err(NotHeld) }
}

/// Those of what was asked for that are held, for a client that repeats what it once asked for although a person allowed it
/// less (RFC 6749, section 3.3: the rest is ignored, and the answer says so).
pub(crate) fn still_held(policy: &PolicyRoom, held: &str, asked: Option<&str>) -> Result<String, NotHeld> {
    let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) else { return Ok(held.to_owned()) };
    let common = common_grants(asked, held, policy.spec().write_implies_read);
    if common.is_empty() { Err(NotHeld) } else { Ok(common) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(write_implies_read: bool) -> PolicyRoom {
        let text = format!(
            "name = \"test\"\nenvironments = [\"live\"]\nwrite_implies_read = {write_implies_read}\n\
             scopes = [\"a:read\", \"a:write\", \"b:read\"]\n\
             credentials = [{{ in = \"header\", name = \"x-key\" }}]\nrules = [{{ path = \"/**\" }}]\n\
             keys = [{{ prefix = \"sk_\", environment = \"live\", body_length = 24 }}]"
        );
        PolicyRoom::new(portcullis_policy::parse(&text, "policy.toml").unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_held_any_more_is_left_out() {
        for (held, asked, expected) in [
            ("a:read b:read", None, Some("a:read b:read")),
            ("a:read", Some("a:read b:read"), Some("a:read")),
            ("a:read", Some("b:read nonsense"), None),
            ("a:*", Some("a:read a:write b:read"), Some("a:read a:write")),
            ("a:read", Some("a:*"), Some("a:read")),
            ("", Some("a:read"), None),
        ] {
            let found = still_held(&room(false), held, asked);
            assert_eq!(found.ok().as_deref(), expected, "{asked:?} of `{held}`");
        }
    }

    #[test]
    fn what_is_asked_for_has_to_be_held() {
        for (held, asked, plain, implied) in [
            ("a:read b:read", None, Some("a:read b:read"), Some("a:read b:read")),
            ("a:read b:read", Some(" "), Some("a:read b:read"), Some("a:read b:read")),
            ("a:read b:read", Some("b:read a:read b:read"), Some("a:read b:read"), Some("a:read b:read")),
            ("a:read b:read", Some("b:read"), Some("b:read"), Some("b:read")),
            ("a:*", Some("a:write"), Some("a:write"), Some("a:write")),
            ("a:*", Some("a:*"), Some("a:*"), Some("a:*")),
            ("a:read a:write", Some("a:*"), None, None),
            ("a:*", Some("b:read"), None, None),
            ("a:write", Some("a:read"), None, Some("a:read")),
            ("a:read", Some("a:read nonsense"), None, None),
            ("a:read", Some("a:read\tb:read"), None, None),
            ("", Some("a:read"), None, None),
            ("", None, Some(""), Some("")),
        ] {
            for (implies, expected) in [(false, plain), (true, implied)] {
                let found = narrowed(&room(implies), held, asked);
                assert_eq!(found.as_deref().ok(), expected, "`{held}` `{asked:?}` {implies}");
            }
        }
    }
}
