//! `cargo xtask tidy`: the habits that no compiler checks.
//!
//! It reads files and changes none. Invariant: every offence is named with its file, so that one run shows them all.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::shell;

/// No file is longer, tests included.
const MAX_LINES: usize = 400;
const MAX_README_LINES: usize = 200;
const MIN_CASES: usize = 60;
/// The only file that speaks to the host, and its folder.
const HOST_FILE: &str = "src/abi.rs";
const HOST_FOLDER: &str = "src/abi/";
/// A crate outside the workspace that is what the stock SDK makes of it.
const STOCK_FILTER: &str = "e2e/noop-filter";

/// Fails with every offence.
pub(crate) fn check() -> anyhow::Result<()> {
    let root = shell::root();
    let mut offences = Vec::new();
    for path in files(&root)? {
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        let read = || std::fs::read_to_string(&path).with_context(|| name.clone());
        if name.ends_with(".rs") {
            offences.extend(source(&name, &read()?));
        } else if name.ends_with("Cargo.toml") {
            offences.extend(manifest(&name, &read()?));
        } else if name == "README.md" && read()?.lines().count() > MAX_README_LINES {
            offences.push(format!("{name} is longer than {MAX_README_LINES} lines"));
        } else if name.starts_with("policies/") && name.ends_with("/policy.toml") {
            offences.extend(cases(&name, &path));
        }
    }
    anyhow::ensure!(offences.is_empty(), "untidy:\n  {}", offences.join("\n  "));
    Ok(())
}

fn source(name: &str, text: &str) -> Vec<String> {
    let mut offences = Vec::new();
    let mut offence = |holds: bool, what: &str| {
        if holds {
            offences.push(format!("{name} {what}"));
        }
    };
    let lines = text.lines().count();
    offence(!text.starts_with("//!"), "does not open with `//!`: what it is, what it does not do, its invariant");
    offence(name.ends_with("/mod.rs"), "is a mod.rs: call it after its module");
    offence(lines > MAX_LINES, &format!("has {lines} lines, {MAX_LINES} are the most: split it"));
    // Put together here, or this file would offend.
    let (lawless, sdk) = (["un", "safe"].concat(), ["proxy", "_wasm"].concat());
    let at_home = name == HOST_FILE || name.starts_with(HOST_FOLDER) || name.starts_with(STOCK_FILTER);
    offence(!at_home && uses_word(text, &lawless), &format!("is not {HOST_FILE}, and has {lawless} code"));
    offence(!at_home && uses_word(text, &sdk), &format!("is not {HOST_FILE}, and names the SDK"));
    offences
}

/// Whether a word stands in code: not in a line comment, not as a part of another word.
fn uses_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split(|c| !is_part(c))).any(|it| it == word)
}

fn manifest(name: &str, text: &str) -> Vec<String> {
    let is_ours = !name.starts_with(STOCK_FILTER) && !name.starts_with("fuzz/");
    let inherits = text.parse::<toml::Table>().ok().and_then(|it| it.get("lints")?.get("workspace")?.as_bool());
    let offends = is_ours && inherits != Some(true);
    offends.then(|| format!("{name} does not say `[lints] workspace = true`")).into_iter().collect()
}

fn cases(name: &str, policy: &Path) -> Option<String> {
    // policies/invalid/ holds policies that must be refused: nothing can be asked of them.
    if name.starts_with("policies/invalid/") {
        return None;
    }
    let text = std::fs::read_to_string(policy.with_file_name("cases.toml")).unwrap_or_default();
    let count = text.lines().filter(|line| line.trim() == "[[cases]]").count();
    (count < MIN_CASES).then(|| format!("{name} has {count} cases beside it, {MIN_CASES} are the least"))
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(self::files(&path)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        check().unwrap();
    }

    fn offends(name: &str, text: &str, expected: &[&str]) {
        let found = source(name, text);
        assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn offences_are_found() {
        let word = ["un", "safe"].concat();
        offends("src/a.rs", "//! Fine.\nfn a() {}\n", &[]);
        offends("src/a.rs", "fn a() {}\n", &["//!"]);
        offends("src/a/mod.rs", "//! Fine.\n", &["mod.rs"]);
        offends("src/a.rs", &"//! Long.\n".repeat(401), &["401 lines"]);
        offends("src/a.rs", &format!("//! Fine.\n{word} {{ }}\n"), &["not src/abi.rs"]);
        offends("src/a.rs", &format!("//! Fine.\n#![forbid({word}_code)]\n// no {word} code\n"), &[]);
        offends("src/abi.rs", &format!("//! Fine.\n{word} {{ }}\n"), &[]);
        offends("src/a.rs", &format!("//! Fine.\nuse {};\n", ["proxy", "_wasm"].concat()), &["names the SDK"]);
    }

    #[test]
    fn manifests_inherit_the_lints() {
        assert!(manifest("crates/a/Cargo.toml", "[lints]\nworkspace = true\n").is_empty());
        assert_eq!(manifest("crates/a/Cargo.toml", "[package]\nname = \"a\"\n").len(), 1);
    }
}
