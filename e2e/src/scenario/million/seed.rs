//! Keys in a control plane: created through its API, or taken from where an earlier run left them.
//!
//! A million take minutes, so that whoever runs the scenario again and again keeps them in a folder. What a run does to
//! its keys is done to a copy.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use super::Key;
use crate::stack::{Stack, write_private};

/// A file of ids and texts beside the control plane's own.
const KEYS: &str = "million-keys";

/// Starts the control plane with that many keys.
pub(super) async fn start(stack: &mut Stack, count: usize, kept: Option<&Path>) -> anyhow::Result<Vec<Key>> {
    if let Some(folder) = kept.filter(|folder| folder.join(KEYS).exists()) {
        copy(folder, &stack.control_data())?;
        let keys = read(&folder.join(KEYS))?;
        anyhow::ensure!(keys.len() == count, "`{}` has {} keys", folder.display(), keys.len());
        stack.start_control().await?;
        return Ok(keys);
    }
    stack.start_control().await?;
    let keys = stack.control()?.fill(count).await?;
    if let Some(folder) = kept {
        stack.stop_control();
        copy(&stack.control_data(), folder)?;
        let lines: String = keys.iter().map(|key| format!("{} {}\n", key.id, key.text)).collect();
        write_private(&folder.join(KEYS), &lines)?;
        stack.start_control().await?;
    }
    Ok(keys)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Vec<Key>> {
    let text = std::fs::read_to_string(file)?;
    let lines = text.lines().map(|line| line.split_once(' ').context("not an id and a key"));
    lines
        .map(|line| line.map(|(id, text)| Key { id: id.to_owned(), text: text.to_owned(), record: Value::Null }))
        .collect()
}
