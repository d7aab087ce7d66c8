//! Somebody who is a member: invited, signed in with a browser, and in possession of a personal token.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::run::{Control, Done, finish, portcullis};

const PASSWORD: &str = "correct horse battery staple";

/// A member and their token.
pub(crate) struct Person<'a> {
    control: &'a Control,
    pub(crate) token: String,
}

impl Control {
    /// A new member of the operator's organisation.
    pub(crate) fn person(&self, email: &str, role: &str) -> Person<'_> {
        let invited = self.admin(&["members", "invite", email, "--role", role]);
        let invitation = invited.stdout.trim().rsplit('/').next().unwrap().to_owned();
        let accepted = serde_json::json!({ "token": invitation, "name": email, "password": PASSWORD }).to_string();
        self.ask("POST /v1/invitations:accept", "content-type: application/json\r\n", &accepted);
        let visit = self.ask("GET /sign-in", "", "");
        let form = format!("csrf={}&email={}&password={}", csrf(&visit), encoded(email), encoded(PASSWORD));
        let session = cookie(&self.form("/sign-in", &cookie(&visit), &form));
        let settings = self.ask("GET /settings", &session, "");
        let scopes = ["secrets:read", "secrets:write", "skills:read", "skills:write", "organizations:write"];
        // What is the team's is changed by whoever manages the organisation.
        let scopes = scopes.iter().filter(|it| role == "admin" || **it != "organizations:write");
        let scopes: String = scopes.map(|scope| format!("&scopes={}", encoded(scope))).collect();
        let form = format!("csrf={}&token_name=cli&kind=personal{scopes}", csrf(&settings));
        let made = self.form("/settings/tokens", &session, &form);
        Person { control: self, token: between(&made, "PORTCULLIS_TOKEN=", "<").to_owned() }
    }

    fn form(&self, path: &str, cookie: &str, fields: &str) -> String {
        let headers = format!("{cookie}content-type: application/x-www-form-urlencoded\r\n");
        self.ask(&format!("POST {path}"), &headers, fields)
    }

    fn ask(&self, what: &str, headers: &str, body: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!("{what} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n");
        stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap();
        assert!(status < "400", "{what}: {answer}");
        answer
    }
}

impl Person<'_> {
    /// `portcullis` as they run it, with that text on stdin.
    pub(crate) fn runs(&self, arguments: &[&str], stdin: &str) -> Done {
        let mut command = portcullis();
        command.args(arguments).args(["--control", &self.control.url]).env("PORTCULLIS_TOKEN", &self.token);
        finish(&mut command, stdin)
    }
}

/// The header field that sends the cookie back which an answer sets.
fn cookie(answer: &str) -> String {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie: portcullis_")).unwrap();
    let (_, pair) = line.split_once(": ").unwrap();
    format!("cookie: {}\r\n", pair.split(';').next().unwrap())
}

fn csrf(page: &str) -> &str {
    between(page, "name=\"csrf\" value=\"", "\"")
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before}: {text}"));
    rest.split(after).next().unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
