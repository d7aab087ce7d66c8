//! `portcullis secrets set` at a terminal: what is typed does not show.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::run::{Control, portcullis};

const VALUE: &str = "v-correct-horse-1";

/// A terminal: what a person sees of it and types into, and what a program has of it.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = File::options().read(true).write(true).open(name).unwrap();
    (File::from(ours), theirs)
}

/// What a person sees who types that when they are asked, and the exit code and stderr.
fn typed(control: &Control, text: &str) -> (String, i32, String) {
    let (mut ours, theirs) = terminal();
    let mut command = portcullis();
    command.args(["secrets", "set", "weather_api_key", "--team", "--control", &control.url, "--token-file"]);
    command.arg(control.folder.path().join("admin-token")).stdin(theirs).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The command holds an end of the terminal still; only the child shall.
    drop(command);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    ours.write_all(text.as_bytes()).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let code = child.wait().unwrap().code().unwrap();
    let mut seen = Vec::new();
    // A terminal that nobody has open any more ends with an error.
    let _ = ours.read_to_end(&mut seen);
    (String::from_utf8(seen).unwrap(), code, said)
}

#[test]
fn a_value_is_asked_for_and_does_not_show() {
    let control = Control::with_services();
    assert_eq!(control.admin(&["edge-keys", "generate"]).code, 0);
    let asked = "the value of `weather_api_key`, and Enter (it does not show):\n";
    for (text, code, words) in [
        (format!("{VALUE}\n"), 0, "made sec_"),
        ("\n".to_owned(), 2, "error: there is no value\n"),
        // The end of what is typed, before anything was.
        ("\u{4}".to_owned(), 2, "error: there is no value\n"),
        (format!("{}\n", "x".repeat(4095)), 2, "hint: portcullis secrets set weather_api_key < FILE\n"),
    ] {
        let (seen, exit, said) = typed(&control, &text);
        assert!(said.starts_with(asked) && said.contains(words) && exit == code, "{words}: {said}");
        assert_eq!(seen.trim(), "", "{words}");
    }
}
