//! What people read about policies.

use portcullis_api::policy::{
    AccessChange, Endpoint, PolicyDifference, PolicyVersion, PublishedPolicy, TextDifference,
};
use portcullis_sdk::Written;

use crate::args::Output;
use crate::exit::{Exit, Failure};
use crate::output;

/// A difference: the summary is data, and so is each line behind it.
pub(super) fn difference(it: &PolicyDifference) {
    output::data(&it.summary);
    it.loses.iter().for_each(|change| output::data(&line("-", change)));
    it.gains.iter().for_each(|change| output::data(&line("+", change)));
    let endpoint = |sign: &str, it: &Endpoint| output::data(&format!("{sign} {} {}: anyone", it.method, it.path));
    it.closes.iter().for_each(|it| endpoint("-", it));
    it.opens.iter().for_each(|it| endpoint("+", it));
    it.notes.iter().for_each(|note| output::data(&format!("! {note}")));
}

fn line(sign: &str, change: &AccessChange) -> String {
    let AccessChange { method, path, keys, examples } = change;
    let named: Vec<_> = examples.iter().map(|key| format!("{} ({})", key.name, key.id)).collect();
    let others = keys.saturating_sub(u64::try_from(named.len()).unwrap_or(u64::MAX));
    let rest = if others > 0 && !named.is_empty() { format!(" and {others} more") } else { String::new() };
    let noun = if *keys == 1 { "key" } else { "keys" };
    let names = if named.is_empty() { String::new() } else { format!(": {}{rest}", named.join(", ")) };
    format!("{sign} {method} {path}: {keys} {noun}{names}")
}

/// What changes in the text, as `diff -u` writes it.
pub(super) fn text(old: &str, new: &str, it: &TextDifference) {
    if it.hunks.is_empty() {
        output::talk("the text is the same");
        return;
    }
    output::data(&format!("--- {old}\n+++ {new}"));
    for hunk in &it.hunks {
        let count = |sign: char| hunk.lines.iter().filter(|line| !line.starts_with(sign)).count();
        let place = format!("@@ -{},{} +{},{} @@", hunk.old_line, count('+'), hunk.new_line, count('-'));
        output::data(&format!("{place}\n{}", hunk.lines.join("\n")));
    }
    if it.cut {
        output::talk("more lines differ: only the first are shown");
    }
}

/// What was published, and what it changed.
pub(super) fn published(written: &Written<PublishedPolicy>, how: Output) -> Result<Exit, Failure> {
    let published = &written.value;
    if how.json {
        output::json(published)?;
        return Ok(Exit::Success);
    }
    output::talk(&format!("published as version {}", published.policy.about.version));
    difference(&published.difference);
    Ok(Exit::Success)
}

/// Where a version came from, in a few words.
pub(super) fn source(it: &PolicyVersion) -> String {
    match it.restored_from {
        Some(version) => format!("version {version}"),
        None => it.source.as_str().to_owned(),
    }
}
