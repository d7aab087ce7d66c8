//! A refusal of one value among several that were given: it is named.
//!
//! Invariant: what may be a secret is not repeated.

use portcullis_sdk::Error;

use crate::exit::Failure;

/// Values of one member, as they stood on the command line.
pub(crate) struct Given<'a> {
    /// The member, as a JSON pointer: `/scopes`.
    pub(crate) pointer: &'a str,
    /// What one of them is called.
    pub(crate) what: &'a str,
    pub(crate) values: &'a [String],
}

/// The refusal, with the value that it is about.
pub(crate) fn naming(error: Error, given: &[Given<'_>]) -> Failure {
    let Error::Refused(problem) = &error else { return Failure::from(error) };
    let pointer = problem.pointer.as_deref().unwrap_or_default();
    let meant = given.iter().find_map(|it| Some((it.what, it.value(pointer)?)));
    match meant.filter(|_| !problem.detail.contains("looks like a key or a token")) {
        Some((what, value)) => Failure::unable(format!("{what} `{value}`: {} ({})", problem.detail, problem.code)),
        None => Failure::from(error),
    }
}

/// The refusal of what `force` would do all the same, as it is said here.
pub(crate) fn forcible(error: Error) -> Failure {
    let Error::Refused(problem) = &error else { return Failure::from(error) };
    if !problem.detail.contains("?force=true") {
        return Failure::from(error);
    }
    let detail = problem.detail.replace("?force=true", "--force");
    match detail.split_once('\n') {
        Some((what, hint)) => Failure::unable(format!("{what} ({})\n{hint}", problem.code)),
        None => Failure::unable(format!("{detail} ({})", problem.code)),
    }
}

impl Given<'_> {
    /// The one that `pointer` leads to: `/scopes/1`, or `/environment` where there is but one.
    fn value(&self, pointer: &str) -> Option<&String> {
        match pointer.strip_prefix(self.pointer)? {
            "" => self.values.first().filter(|_| self.values.len() == 1),
            index => self.values.get(index.strip_prefix('/')?.parse::<usize>().ok()?),
        }
    }
}
