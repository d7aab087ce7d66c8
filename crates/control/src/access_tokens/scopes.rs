//! The scopes that somebody asks for, out of those that there are.
//!
//! Invariant: what comes out is held, whole: nothing is left out that was asked for, and nothing added.

use portcullis_engine::scope::{canonical_grants, common_grants};

use crate::policy::PolicyRoom;

/// Something was asked for that is not held, or is no scope; which, if it can be said again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotHeld(Option<String>);

impl NotHeld {
    /// The first of those that were asked for and are not among those that are held.
    fn of(policy: &PolicyRoom, held: &str, asked: &str) -> Self {
        let is_held = |word: &str| {
            let one = canonical_grants([word]).unwrap_or_default();
            !one.is_empty() && common_grants(&one, held, policy.spec().write_implies_read) == one
        };
        let first = asked.split(' ').find(|word| !word.is_empty() && !is_held(word)).unwrap_or_default();
        // Of what an error may hold (RFC 6749, section 5.2); nothing that may be a secret, nor what is long.
        let is_plain = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        Self(policy.repeated(first).filter(|it| it == first && it.bytes().all(is_plain)))
    }

    /// What was asked for, in an error.
    pub(crate) fn told(&self) -> String {
        self.0.as_ref().map_or_else(|| "one of the scopes".to_owned(), |scope| format!("the scope `{scope}`"))
    }
}

/// What was asked for, in its one text; everything if nothing in particular was.
pub(crate) fn narrowed(policy: &PolicyRoom, held: &str, asked: Option<&str>) -> Result<String, NotHeld> {
    let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) else { return Ok(held.to_owned()) };
    let wanted = canonical_grants(asked.split(' ').filter(|word| !word.is_empty()));
    let wanted = wanted.map_err(|_| NotHeld::of(policy, held, asked))?;
    let common = common_grants(&wanted, held, policy.spec().write_implies_read);
    let is_held = wanted.split(' ').all(|scope| common.split(' ').any(|it| it == scope));
    if is_held { Ok(wanted) } else { Err(NotHeld::of(policy, held, asked)) }
}

/// Those of what was asked for that are held, for a client that repeats what it once asked for although a person allowed it
/// less (RFC 6749, section 3.3: the rest is ignored, and the answer says so).
pub(crate) fn still_held(policy: &PolicyRoom, held: &str, asked: Option<&str>) -> Result<String, NotHeld> {
    let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) else { return Ok(held.to_owned()) };
    let common = common_grants(asked, held, policy.spec().write_implies_read);
    if common.is_empty() { Err(NotHeld::of(policy, held, asked)) } else { Ok(common) }
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
    fn what_is_not_held_is_named_if_it_is_plain() {
        let (key, long) = (format!("sk_{}", "0".repeat(24)), "x".repeat(65));
        for (held, asked, expected) in [
            ("a:read", "openid", "the scope `openid`"),
            ("a:read", "a:read  b:read c:read", "the scope `b:read`"),
            ("a:read a:write", "a:*", "the scope `a:*`"),
            ("", "a:read", "the scope `a:read`"),
            ("a:read", "https://a.example/x", "the scope `https://a.example/x`"),
            ("a:read", "a\"b", "one of the scopes"),
            ("a:read", "a\\b", "one of the scopes"),
            ("a:read", "a`b", "one of the scopes"),
            ("a:read", "a:read\tb:read", "one of the scopes"),
            ("a:read", "é", "one of the scopes"),
            ("a:read", &long, "one of the scopes"),
            ("a:read", &key, "one of the scopes"),
        ] {
            assert_eq!(narrowed(&room(false), held, Some(asked)).unwrap_err().told(), expected, "{asked}");
        }
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
