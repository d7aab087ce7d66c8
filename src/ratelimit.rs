//! `RateLimit` and `RateLimit-Policy` as clients read them (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! One item for each limit that applies, in the order given. Invariant: only numbers and the fixed names of kinds get in.

use core::fmt::Write;

use portcullis_engine::Standing;

/// `RateLimit`: what is left, and for how many seconds there is no more.
pub fn left(limits: impl IntoIterator<Item = Option<Standing>>) -> String {
    list(limits, |text, it| write!(text, "\"{}\";r={};t={}", it.kind.as_str(), it.remaining, it.reset))
}

/// `RateLimit-Policy`: how much there is in how many seconds.
pub fn policy(limits: impl IntoIterator<Item = Option<Standing>>) -> String {
    list(limits, |text, it| write!(text, "\"{}\";q={};w={}", it.kind.as_str(), it.limit, it.window))
}

fn list(
    limits: impl IntoIterator<Item = Option<Standing>>,
    item: impl Fn(&mut String, Standing) -> core::fmt::Result,
) -> String {
    let mut text = String::new();
    for limit in limits.into_iter().flatten() {
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Writing to a string never fails.
        let _ = item(&mut text, limit);
    }
    text
}

#[cfg(test)]
mod tests {
    use portcullis_engine::limit::LimitKind;

    use super::*;

    #[test]
    fn items_are_listed_in_their_order() {
        let quota = Standing { kind: LimitKind::Quota, limit: 30_000, window: 2_592_000, remaining: 0, reset: 86_399 };
        let rate = Standing { kind: LimitKind::Rate, limit: 10, window: 1, remaining: 3, reset: 0 };
        for (limits, expected, policies) in [
            ([None, None], "", ""),
            ([Some(quota), None], r#""quota";r=0;t=86399"#, r#""quota";q=30000;w=2592000"#),
            (
                [Some(rate), Some(quota)],
                r#""rate";r=3;t=0, "quota";r=0;t=86399"#,
                r#""rate";q=10;w=1, "quota";q=30000;w=2592000"#,
            ),
        ] {
            assert_eq!((left(limits).as_str(), policy(limits).as_str()), (expected, policies));
        }
    }
}
