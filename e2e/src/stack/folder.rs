//! The folder of a stack, and files that only we may read.
//!
//! Invariant: a folder that was there before keeps its permissions.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

/// The folder asked for, or a temporary one. `PORTCULLIS_E2E_KEEP` names a folder in which temporary ones stay, to look
/// at the logs of a scenario that failed.
pub(super) fn data_folder(asked: Option<&Path>) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("portcullis-");
    match (asked, std::env::var_os("PORTCULLIS_E2E_KEEP")) {
        (Some(folder), _) => Ok((folder.to_owned(), None)),
        (None, Some(parent)) => {
            create_private(Path::new(&parent))?;
            Ok((builder.tempdir_in(parent)?.keep(), None))
        }
        (None, None) => {
            let temporary = builder.tempdir()?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

/// Makes a folder, and those above it, for its owner alone. One that is there stays as it is: it may be somebody's home.
pub(super) fn create_private(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot create `{}`", folder.display()))
}

/// Writes a file that only we may read: it holds the edge token.
pub(crate) fn write_private(path: &Path, contents: &str) -> anyhow::Result<()> {
    std::fs::write(path, "")?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(std::fs::write(path, contents)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_folders_are_made_private() {
        let home = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
        create_private(home.path()).unwrap();
        create_private(&home.path().join("a/b")).unwrap();
        assert_eq!((mode(home.path()), mode(&home.path().join("a/b"))), (0o755, 0o700));
    }
}
