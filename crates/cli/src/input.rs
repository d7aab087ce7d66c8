//! Secrets as they are entered: typed without being shown, or read from stdin or a file.
//!
//! Invariant: what is read is wiped when it is dropped. It is read past the standard library's buffer, which is not.

use std::io::{IsTerminal as _, Stdin};
use std::os::fd::AsFd;
use std::path::Path;

use portcullis_sdk::SecretValue;
use rustix::io::{Errno, read, retry_on_intr};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::output;

/// What a terminal takes in one line (Linux, n_tty); the rest is dropped without a word.
const LONGEST_LINE: usize = 4095;
/// More than the longest value with the end of its line.
const LONGEST_VALUE: usize = 8 * 1024;
/// More than an organisation's secrets with their names.
const LONGEST_FILE: usize = 8 * 1024 * 1024;

/// The value of a secret: typed at the terminal, or all that stands on stdin.
pub(crate) fn secret(name: &str) -> Result<SecretValue, Failure> {
    let stdin = std::io::stdin();
    let bytes = if stdin.is_terminal() { typed(&stdin, name)? } else { until_end(&stdin, LONGEST_VALUE)? };
    SecretValue::from_line(&bytes).map_err(Failure::usage)
}

/// All that stands in a file; `-` = stdin.
pub(crate) fn file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let wrong = |why: String| Failure::usage(format!("cannot read `{}`: {why}", path.display()));
    let bytes = if path == Path::new("-") {
        until_end(&std::io::stdin(), LONGEST_FILE)
    } else {
        let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
        until_end(&file, LONGEST_FILE)
    };
    let bytes = bytes.map_err(|error| wrong(error.to_string()))?;
    if bytes.len() < LONGEST_FILE { Ok(bytes) } else { Err(wrong("it has 8 MiB or more".to_owned())) }
}

fn typed(terminal: &Stdin, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let quiet = Quiet::on(terminal)?;
    output::talk(&format!("the value of `{name}`, and Enter (it does not show):"));
    let mut line = Buffer::of(LONGEST_VALUE);
    while !line.filled().ends_with(b"\n") && line.read(terminal)? > 0 {}
    drop(quiet);
    let line = line.into_bytes();
    if line.len() >= LONGEST_LINE {
        return Err(Failure::usage(format!(
            "that is more than a terminal takes in a line\nhint: portcullis secrets set {name} < FILE"
        )));
    }
    Ok(line)
}

/// All there is, up to so much.
fn until_end(source: &impl AsFd, most: usize) -> Result<Zeroizing<Vec<u8>>, Errno> {
    let mut buffer = Buffer::of(most);
    while buffer.read(source)? > 0 {}
    Ok(buffer.into_bytes())
}

/// Bytes that never move, so that nothing stays behind.
struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl Buffer {
    fn of(most: usize) -> Self {
        Self { bytes: Zeroizing::new(vec![0; most]), filled: 0 }
    }

    /// 0 = there is no more, or no room for it.
    fn read(&mut self, source: &impl AsFd) -> Result<usize, Errno> {
        let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
        let count = if room.is_empty() { 0 } else { retry_on_intr(|| read(source, &mut *room))? };
        self.filled += count;
        Ok(count)
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        self.bytes.truncate(self.filled);
        self.bytes
    }
}

/// A terminal that shows nothing of what is typed but the end of the line, until it is dropped.
struct Quiet<'a> {
    terminal: &'a Stdin,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn on(terminal: &'a Stdin) -> Result<Self, Errno> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}
