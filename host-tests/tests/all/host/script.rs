//! Guests written as scripts: a few lines of host calls per callback, compiled to WAT.
//!
//! ```text
//! request_headers:
//!   get_header_map_value 0 "x-api-key" ->bytes
//!   add_header_map_value 0 "x-seen" "yes"
//!   return 1
//! ```
//!
//! Text becomes address and size; `->bytes`, `->u32` and `->u64` are where the host writes its answer. Every call logs
//! one line at trace level: its status, then (if that is 00) the answer. Answer cells hold 7 before a call. `trap` traps, `spin` loops for ever.

use std::fmt::Write;

use portcullis_host_tests::{Config, Module, Outcome, Process, Request, VmId};

/// Parameters and whether a result comes back, for every callback a script may define.
const CALLBACKS: [(&str, usize, bool); 12] = [
    ("context_create", 2, false),
    ("vm_start", 2, true),
    ("configure", 2, true),
    ("tick", 1, false),
    ("http_call_response", 5, false),
    ("request_headers", 3, true),
    ("response_headers", 3, true),
    ("response_trailers", 2, true),
    ("log", 1, false),
    ("done", 1, true),
    ("delete", 1, false),
    ("queue_ready", 2, false),
];

/// Where the host writes its answers, and where the texts of a script lie. Notes are put together between them.
const OUT: usize = 16;
const TEXT: usize = 4096;

const PRELUDE: &str = r#"
  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 65536))
  (global $last (mut i32) (i32.const 0))
  (func (export "proxy_abi_version_0_2_1"))
  (func $grow (param $size i32) (result i32) (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap (i32.add (global.get $heap) (local.get $size)))
    (block $enough
      (br_if $enough (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16))))))
    (local.get $at))
  (func $forget (local $at i32)
    (local.set $at (i32.const 16))
    (loop $cells
      (i64.store (local.get $at) (i64.const 7))
      (br_if $cells (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 80)))))
  ;; one line: two digits of status, a space, then the bytes
  (func $note (param $status i32) (param $at i32) (param $size i32)
    (i32.store8 (i32.const 512) (i32.add (i32.const 48) (i32.div_u (local.get $status) (i32.const 10))))
    (i32.store8 (i32.const 513) (i32.add (i32.const 48) (i32.rem_u (local.get $status) (i32.const 10))))
    (i32.store8 (i32.const 514) (i32.const 32))
    (if (i32.or (local.get $status) (i32.gt_u (local.get $size) (i32.const 3000)))
      (then (local.set $size (i32.const 0))))
    (memory.copy (i32.const 515) (local.get $at) (local.get $size))
    (drop (call $log (i32.const 0) (i32.const 512) (i32.add (i32.const 3) (local.get $size)))))
  (func $note_number (param $status i32) (param $number i64) (local $at i32)
    (local.set $at (i32.const 480))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10)))))
      (local.set $number (i64.div_u (local.get $number) (i64.const 10)))
      (br_if $digits (i64.ne (local.get $number) (i64.const 0))))
    (call $note (local.get $status) (local.get $at) (i32.sub (i32.const 480) (local.get $at))))
"#;

/// Compiles a script.
pub(super) fn module(script: &str) -> Module {
    let wat = to_wat(script);
    Module::from_bytes(wat.as_bytes()).unwrap_or_else(|error| panic!("{error:#}\n{script}\n{wat}"))
}

/// A process with one worker running the script.
pub(super) fn process(script: &str) -> Process {
    Process::start(&module(script), Config { workers: 1, ..Config::default() }).unwrap()
}

/// What the workers noted since the last call.
pub(super) fn notes(process: &mut Process) -> Vec<String> {
    let lines = process.take_logs().into_iter().filter(|line| line.level == 0 && matches!(line.vm, VmId::Worker(_)));
    lines.map(|line| line.text.trim_end().to_owned()).collect()
}

/// Runs the script's callbacks through one request and compares what it noted.
#[track_caller]
pub(super) fn check(why: &str, script: &str, request: Request, expected: &[&str]) -> Outcome {
    let mut process = process(script);
    notes(&mut process);
    let outcome = process.request(0, request);
    assert_eq!(notes(&mut process), expected, "{why}");
    outcome
}

fn to_wat(script: &str) -> String {
    let mut build = Build::default();
    let mut allocator = "(call $grow (local.get 0))".to_owned();
    let mut bodies = String::new();
    for section in sections(script) {
        let (name, lines) = section;
        match name {
            "initialize" => {
                let body = build.body(&lines, None);
                writeln!(bodies, "  (func (export \"_initialize\") {body})").unwrap();
            }
            "malloc" => allocator = format!("{} (call $grow (local.get 0))", build.body(&lines, None)),
            _ => {
                let (_, parameters, returns) = *CALLBACKS.iter().find(|(n, ..)| *n == name).expect(name);
                let default = if matches!(name, "vm_start" | "configure" | "done") { "1" } else { "0" };
                let body = build.body(&lines, returns.then_some(default));
                let parameters = "i32 ".repeat(parameters);
                let result = if returns { "(result i32)" } else { "" };
                writeln!(bodies, "  (func (export \"proxy_on_{name}\") (param {parameters}) {result} {body})").unwrap();
            }
        }
    }
    let Build { imports, data, .. } = build;
    format!(
        "(module\n  (import \"env\" \"proxy_log\" (func $log (param i32 i32 i32) (result i32)))\n{imports}{PRELUDE}\
         {bodies}  (func (export \"malloc\") (param i32) (result i32) {allocator})\n{data})\n"
    )
}

/// `name:` and the lines below it.
fn sections(script: &str) -> Vec<(&str, Vec<&str>)> {
    let mut sections: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_suffix(':') {
            Some(name) => sections.push((name, Vec::new())),
            None => sections.last_mut().expect("a callback comes first").1.push(line),
        }
    }
    sections
}

#[derive(Default)]
struct Build {
    imports: String,
    imported: Vec<String>,
    data: String,
    used: usize,
}

impl Build {
    /// Without a `return` line, a callback that returns something returns `default`.
    fn body(&mut self, lines: &[&str], default: Option<&str>) -> String {
        let mut out = String::new();
        let mut result = default;
        for line in lines {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("trap", _) => out.push_str(" unreachable"),
                ("trap_unless", status) => {
                    write!(out, " (if (i32.ne (global.get $last) (i32.const {status})) (then unreachable))").unwrap();
                }
                ("spin", _) => out.push_str(" (loop $for_ever (br $for_ever))"),
                ("return", value) => result = Some(value),
                (call, arguments) => self.call(&mut out, call, arguments),
            }
        }
        if let Some(result) = result {
            write!(out, " (i32.const {result})").unwrap();
        }
        out
    }

    fn call(&mut self, out: &mut String, name: &str, arguments: &str) {
        let mut types = String::new();
        let mut values = String::new();
        let mut answers = Vec::new();
        for argument in tokens(arguments) {
            self.argument(&argument, &mut types, &mut values, &mut answers);
        }
        if name == "log" {
            write!(out, " (drop (call $log {values}))").unwrap();
            return;
        }
        self.import(name, &types);
        write!(out, " (call $forget) (global.set $last (call ${name} {values}))").unwrap();
        let load = |at: usize| format!("(i32.load (i32.const {at}))");
        match answers[..] {
            [] => out.push_str(" (call $note (global.get $last) (i32.const 0) (i32.const 0))"),
            [("bytes", at), ..] => {
                write!(out, " (call $note (global.get $last) {} {})", load(at), load(at + 8)).unwrap()
            }
            [("u64", at), ..] => {
                write!(out, " (call $note_number (global.get $last) (i64.load (i32.const {at})))").unwrap()
            }
            [(_, at), ..] => {
                write!(out, " (call $note_number (global.get $last) (i64.extend_i32_u {}))", load(at)).unwrap()
            }
        }
    }

    fn argument(
        &mut self,
        token: &str,
        types: &mut String,
        values: &mut String,
        answers: &mut Vec<(&'static str, usize)>,
    ) {
        let out = OUT + answers.len() * 16;
        let mut pass = |value: usize| {
            types.push_str("i32 ");
            write!(values, "(i32.const {value}) ").unwrap();
        };
        match token {
            "->bytes" => {
                pass(out);
                pass(out + 8);
                answers.push(("bytes", out));
            }
            "->u32" | "->u64" => {
                pass(out);
                answers.push((if token == "->u32" { "u32" } else { "u64" }, out));
            }
            quoted if quoted.starts_with('"') => {
                let text = quoted.trim_start_matches('"');
                pass(TEXT + self.used);
                pass(unescaped(text));
                writeln!(self.data, "  (data (i32.const {}) \"{text}\")", TEXT + self.used).unwrap();
                self.used += unescaped(text);
            }
            long if long.ends_with('L') => {
                types.push_str("i64 ");
                write!(values, "(i64.const {}) ", long.trim_end_matches('L')).unwrap();
            }
            number => {
                types.push_str("i32 ");
                write!(values, "(i32.const {number}) ").unwrap();
            }
        }
    }

    fn import(&mut self, name: &str, types: &str) {
        if !self.imported.iter().any(|known| known == name) {
            self.imported.push(name.to_owned());
            let line = format!("  (import \"env\" \"proxy_{name}\" (func ${name} (param {types}) (result i32)))\n");
            self.imports.push_str(&line);
        }
    }
}

/// Words and quoted texts; a quoted text keeps its opening quote as a mark.
fn tokens(mut line: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    while !line.is_empty() {
        let (token, rest) = match line.strip_prefix('"') {
            Some(quoted) => {
                let (text, rest) = quoted.split_once('"').expect("a closing quote");
                (format!("\"{text}"), rest)
            }
            None => {
                let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
                (word.to_owned(), rest)
            }
        };
        tokens.push(token);
        line = rest.trim_start();
    }
    tokens
}

/// Length of WAT text with `\xx` escapes.
fn unescaped(text: &str) -> usize {
    text.len() - 2 * text.matches('\\').count()
}

#[test]
fn a_script_is_cut_into_tokens() {
    assert_eq!(tokens(r#"0 "a b" "" ->u32"#), ["0", "\"a b", "\"", "->u32"]);
    assert_eq!(unescaped(r"a\00b"), 3);
}
