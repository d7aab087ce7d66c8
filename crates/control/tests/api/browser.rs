//! A browser without scripts: it keeps a session's cookie, sends forms as their pages would, and follows no redirect.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;

use super::people::{Person, sha256, unique};
use crate::stack::{Answer, Stack};

pub(crate) struct Browser<'a> {
    stack: &'a Stack,
    http: reqwest::Client,
    cookie: Option<String>,
    /// That of somebody who is not signed in.
    visit: Option<String>,
    csrf: String,
}

impl Stack {
    /// Nobody's.
    pub(crate) fn visitor(&self) -> Browser<'_> {
        let http = reqwest::Client::builder().tls_certs_only([]).redirect(Policy::none()).build().unwrap();
        Browser { stack: self, http, cookie: None, visit: None, csrf: String::new() }
    }

    /// A new member's, who is signed in.
    pub(crate) async fn browser(&self, organization: &str, role: &str) -> Browser<'_> {
        let person = self.person(organization, role).await;
        self.signed_in(organization, &person).await
    }

    /// A member's, with a session as signing in begins one.
    pub(crate) async fn signed_in(&self, organization: &str, person: &Person) -> Browser<'_> {
        let unique = unique();
        let cookie = format!("pcs_{unique:0>40}");
        let digest = sha256(&cookie);
        let (user, now) = (&person.id, self.now());
        self.run(format!(
            "INSERT INTO sessions VALUES ('ses_{unique}', {digest}, '{user}', '{organization}', NULL, 'test', \
             {now}, {now}, {})",
            now + 2_592_000
        ))
        .await;
        let mut browser = self.visitor();
        browser.cookie = Some(cookie);
        browser.csrf = hidden(&browser.get("/explain").await.text(), "csrf");
        browser
    }
}

impl Browser<'_> {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// A form with the token of the page that it stands on.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = [("csrf", self.csrf.as_str())];
        self.send(Method::POST, path, &[], &encoded(&[&csrf, fields].concat())).await
    }

    /// The same, already written.
    pub(crate) async fn post_text(&self, path: &str, text: &str) -> Answer {
        self.send(Method::POST, path, &[], &format!("csrf={}&{text}", self.csrf)).await
    }

    /// Where a form leads.
    pub(crate) async fn go(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, 303, "POST {path}: {}", answer.text());
        let next = answer.header(LOCATION.as_str()).to_owned();
        self.get(&next).await
    }

    /// A page whose form is filled in next.
    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        let page = self.get(path).await;
        self.keep(&page);
        if page.text().contains("name=\"csrf\"") {
            self.csrf = hidden(&page.text(), "csrf");
        }
        page
    }

    /// A form, and the cookies that its answer sets; follows where it leads.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post(path, fields).await;
        self.keep(&answer);
        match answer.status {
            303 => self.open(answer.header(LOCATION.as_str())).await,
            _ => answer,
        }
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn take(&mut self, answer: &Answer) {
        self.keep(answer);
    }

    /// What its forms carry.
    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all(SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let value = Some(value.to_owned()).filter(|value| !value.is_empty());
            match name {
                "portcullis_session" => self.cookie = value,
                _ => self.visit = value,
            }
        }
    }

    /// What forms carry, `csrf=…&`, leaked for the table's sake.
    pub(crate) fn token_field(&self) -> &'static str {
        format!("csrf={}&", self.csrf).leak()
    }

    /// The header field of its session.
    pub(crate) fn cookie_field(&self) -> String {
        format!("cookie: portcullis_session={}\r\n", self.cookie.as_deref().unwrap())
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.http.request(method, format!("http://{}{path}", self.stack.address));
        for (name, cookie) in [("session", &self.cookie), ("visit", &self.visit)] {
            if let Some(cookie) = cookie {
                request = request.header(COOKIE, format!("portcullis_{name}={cookie}"));
            }
        }
        request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let form = "application/x-www-form-urlencoded";
        let response = request.header(CONTENT_TYPE, form).body(body.to_owned()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let byte =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let text = |text: &str| text.bytes().map(byte).collect::<String>();
    fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>().join("&")
}

/// The value of a page's hidden field.
pub(crate) fn hidden(html: &str, name: &str) -> String {
    between(html, &format!("name=\"{name}\" value=\""), "\"")
}

/// The text of the first element with that `data-test`.
pub(crate) fn shown(html: &str, name: &str) -> String {
    let (_, rest) = html.split_once(&format!("data-test=\"{name}\"")).unwrap_or_else(|| panic!("no {name}: {html}"));
    between(rest, ">", "<")
}

fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before}: {text}"));
    rest.split(after).next().unwrap().to_owned()
}
