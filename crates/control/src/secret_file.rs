//! Files for their owner alone, secrets and the database: made so that nobody else can read them, refused if others can.
//!
//! Invariant: no secret is ever in a file that was readable by others, not even for a moment.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const SECRET: &str = "secrets file";

/// Why a file or folder of the control plane's cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The operating system says no.
    #[error("{what} `{}`: {source}", path.display())]
    Io {
        /// What it is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Its mode lets group or others in.
    #[error("{what} `{path}` can be read by others\nhint: chmod 600 {path}")]
    Exposed {
        /// What it is for.
        what: &'static str,
        /// The file.
        path: String,
    },
    /// What it holds cannot be used.
    #[error("{SECRET} `{path}`: {problem}")]
    Unusable {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl SecretFileError {
    /// For what a file holds; `problem` must not quote it.
    pub(crate) fn unusable(path: &Path, problem: impl ToString) -> Self {
        Self::Unusable { path: path.display().to_string(), problem: problem.to_string() }
    }
}

/// The secret in a file, without the line's end.
pub(crate) fn read(path: &Path) -> Result<String, SecretFileError> {
    let failed = failed(SECRET, path);
    let mut file = open_private(SECRET, path)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Opens a file that nobody else can read.
fn open_private(what: &'static str, path: &Path) -> Result<File, SecretFileError> {
    let file = File::open(path).map_err(failed(what, path))?;
    if is_exposed(&file).map_err(failed(what, path))? {
        return Err(SecretFileError::Exposed { what, path: path.display().to_string() });
    }
    Ok(file)
}

fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> SecretFileError {
    move |source| SecretFileError::Io { what, path: path.to_owned(), source }
}

/// The secret in a file, or a new one written to it.
pub(crate) fn read_or_create(
    path: &Path,
    make: impl FnOnce() -> Result<String, SecretFileError>,
) -> Result<String, SecretFileError> {
    match read(path) {
        Err(SecretFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let secret = make()?;
            write_new(SECRET, path, &format!("{secret}\n"))?;
            Ok(secret)
        }
        other => other,
    }
}

/// Replaces a file's contents as a whole: whoever reads sees the old text or the new one.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), SecretFileError> {
    let failed = failed(SECRET, path);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => write_new(SECRET, &temporary, text)?,
    }
    std::fs::rename(&temporary, path).map_err(failed)
}

/// Makes an empty file that only its owner can read, if there is none, so that whoever fills it later need not care.
pub(crate) fn touch(what: &'static str, path: &Path) -> Result<(), SecretFileError> {
    match write_new(what, path, "") {
        Err(SecretFileError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
            open_private(what, path).map(drop)
        }
        other => other,
    }
}

/// Refuses a file that others can read; one that is not there is fine.
pub(crate) fn ensure_private(what: &'static str, path: &Path) -> Result<(), SecretFileError> {
    match open_private(what, path) {
        Err(SecretFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), SecretFileError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("file", path)(error)),
        _ => Ok(()),
    }
}

/// Copies a file to one that is not there yet and that only its owner can read.
pub(crate) fn copy(what: &'static str, from: &Path, to: &Path) -> Result<(), SecretFileError> {
    let mut source = File::open(from).map_err(failed(what, from))?;
    write_new(what, to, "")?;
    let mut copy = || {
        let mut target = OpenOptions::new().write(true).open(to)?;
        io::copy(&mut source, &mut target)?;
        target.sync_all()
    };
    copy().map_err(failed(what, to))
}

/// Gives a file its final name, which nothing else may have, and returns once the disk has it.
pub(crate) fn place(from: &Path, to: &Path) -> Result<(), SecretFileError> {
    let place = || {
        File::open(from)?.sync_all()?;
        // Unlike renaming, linking takes nothing's place.
        std::fs::hard_link(from, to)?;
        std::fs::remove_file(from)?;
        let folder = to.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    place().map_err(failed("file", to))
}

fn write_new(what: &'static str, path: &Path, text: &str) -> Result<(), SecretFileError> {
    let write = || {
        let mut file = owner_only(OpenOptions::new().write(true).create_new(true)).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(failed(what, path))
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn is_exposed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn made_for_the_owner_alone_and_refused_when_others_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        assert_eq!(read_or_create(&path, || Ok("first".to_owned())).unwrap(), "first");
        assert_eq!(read_or_create(&path, || Ok("second".to_owned())).unwrap(), "first");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("can be read by others\nhint: chmod 600 "), "{message}");
    }

    #[test]
    fn replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge.env");
        for text in ["a=1\n", "a=2\n"] {
            replace(&path, text).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
