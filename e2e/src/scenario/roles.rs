//! `roles`: an organisation, a member of each role, and what each may and may not, as a stranger with the documentation
//! would find out.
//!
//! People come in through the pages, their tokens ask the API. A handful of calls stand for each kind; the whole table is
//! a test of the control plane. Invariant: somebody else's row is not there, whatever one may do at home.

use serde_json::{Value, json};

use crate::control::Control;
use crate::report::Report;
use crate::stack::{Setup, Stack};

mod calls;
mod people;

use people::Person;

const ROLES: [&str; 4] = ["owner", "admin", "member", "viewer"];

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let mut stack = Stack::new(Setup::preset("systemprompt")?)?;
    stack.start_control().await?;
    let root = stack.control()?;
    let operator = people::first_owner(&stack, report).await?;
    let acme = root.organization("Acme", None).await?;
    let other = root.organization("Another", None).await?;
    let mut members = Vec::new();
    for role in ROLES {
        members.push(people::member(&root, &acme, role, report).await?);
    }
    let stranger = people::member(&root, &other, "owner", report).await?;
    wrong_passwords(&root, &members, report).await?;
    let home = calls::Home::furnish(&root, &acme).await?;
    for member in &members {
        calls::at_home(member, &home, report).await?;
    }
    calls::as_stranger(&stranger, &home, report).await?;
    calls::as_operator(&operator, &home, report).await?;
    demotion(&root, &acme, &members, report).await
}

/// A wrong password and an address nobody has get one and the same answer.
async fn wrong_passwords(root: &Control, members: &[Person], report: &mut Report) -> anyhow::Result<()> {
    let Some(member) = members.first() else { return Ok(()) };
    let wrong = people::sign_in(root, &member.email, "not the password at all").await?;
    let nobody = people::sign_in(root, "nobody@nowhere.example", "not the password at all").await?;
    report.check("a wrong password does not sign in", !wrong.0.has_session());
    report.check("nor does an address nobody has", !nobody.0.has_session());
    report.equal("and both are told the same", wrong.1.status, nobody.1.status);
    let page = wrong.1.text.replace(&member.email, "");
    report.check("word for word", same_words(&page, &nobody.1.text.replace("nobody@nowhere.example", "")));
    Ok(())
}

/// But for the CSRF token, which is new each time.
fn same_words(one: &str, other: &str) -> bool {
    let words = |text: &str| text.split('<').filter(|tag| !tag.contains("csrf")).collect::<String>();
    words(one) == words(other)
}

/// A token may not do more than its owner, not even for a moment after the owner's role was changed.
async fn demotion(root: &Control, acme: &str, members: &[Person], report: &mut Report) -> anyhow::Result<()> {
    let Some(member) = members.iter().find(|it| it.role == "member") else { return Ok(()) };
    let create = json!({ "name": "after", "environment": "production", "organization": acme });
    let before = member.api.call("POST", "/v1/keys", Some(&create)).await?;
    report.equal("a member creates a key", before.status, 201);
    let path = people::path_of(root, acme, &member.email).await?;
    root.ok("PATCH", &path, Some(&json!({ "role": "viewer" }))).await?;
    let after = member.api.call("POST", "/v1/keys", Some(&create)).await?;
    report.equal("made a viewer, with the same token no more", after.gist(), "403 forbidden".to_owned());
    root.ok("DELETE", &path, None).await?;
    let gone = member.api.call("GET", "/v1/me", None).await?;
    report.equal("removed, the token is nobody's", gone.gist(), "401 unauthorized".to_owned());
    let members = root.ok("GET", &format!("/v1/organizations/{acme}/members"), None).await?;
    let left = members["data"].as_array().map_or(0, Vec::len);
    report.equal("members left", left, ROLES.len() - 1);
    let log = root.ok("GET", &format!("/v1/audit?organization={acme}&limit=1000"), None).await?;
    let text = log.to_string();
    report.check("the audit log tells of it", text.contains("member.removed"));
    report.check("and holds no token", !text.contains(&member.api.token) && log != Value::Null);
    Ok(())
}
