//! Forms about skills: make one, change what it is for and what it may use. Services are text, one a line.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_api::skills::ServiceLink;
use portcullis_api::{CreateSkill, Patch, Skill, UpdateSkill};

use super::desk::Desk;
use super::done::{Done, done};
use super::problems::{Places, beside};
use super::skills::{HERE, one};
use super::{Html, fields};
use crate::access::Permission::SkillsWrite;
use crate::app::App;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::pages::form::Problems;
use crate::pages::shell::Section;
use crate::pages::skills::NewSkill;
use crate::skills;

const PLACES: &Places = &[("", "name"), ("/description", "description"), ("/services", "services"), ("/team", "team")];

/// What stands in the form that changes one.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) description: String,
    pub(super) services: String,
    pub(super) problems: Problems,
}

impl Typed {
    /// As it is.
    pub(super) fn of(skill: &Skill) -> Self {
        let line = |(service, secrets): (&str, Vec<&str>)| match secrets.as_slice() {
            [] => service.to_owned(),
            names => format!("{service}: {}", names.join(", ")),
        };
        let names = skill.services.iter().map(|it| {
            let secrets = it.secrets.iter().map(|it| it.name.as_str()).collect();
            (it.service.as_str(), secrets)
        });
        let services = names.map(line).collect::<Vec<_>>().join("\n");
        Self { description: skill.description.clone(), services, problems: Problems::default() }
    }

    fn again(app: &App, sent: &Fields, problems: Problems) -> Self {
        let text = |name| fields::again(&app.policy(), sent.get(name));
        Self { description: text("description"), services: text("services"), problems }
    }
}

pub(super) async fn form(State(app): State<App>, desk: Desk) -> Result<Html<NewSkill>, Failure> {
    desk.by.require(SkillsWrite)?;
    Ok(Html::ok(NewSkill {
        shell: desk.shell("Create a skill", Section::Skills),
        name: String::new(),
        description: String::new(),
        team: false,
        services: String::new(),
        known: known(&app),
        problems: Problems::default(),
    }))
}

pub(super) async fn create(State(app): State<App>, desk: Desk, Form(sent): Form<Fields>) -> Result<Response, Failure> {
    let (services, lines) = services(sent.get("services"));
    let request = CreateSkill {
        name: sent.get("name").to_owned(),
        description: Some(sent.get("description").to_owned()),
        team: fields::is_team(&sent),
        organization: None,
        services,
    };
    match skills::create(&app, &desk.by, &request).await {
        Ok(made) => Ok(to(&made.value.id, Done::SkillCreated, made.version)),
        Err(error) => {
            let typed = Typed::again(&app, &sent, beside(in_line(error, &lines), PLACES)?);
            Ok(Html::again(NewSkill {
                shell: desk.shell("Create a skill", Section::Skills),
                name: fields::again(&app.policy(), sent.get("name")),
                description: typed.description,
                team: fields::is_team(&sent),
                services: typed.services,
                known: known(&app),
                problems: typed.problems,
            })
            .into_response())
        }
    }
}

pub(super) async fn save(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let (services, lines) = services(sent.get("services"));
    let request = UpdateSkill {
        description: Patch::Set(sent.get("description").to_owned()),
        // The form of an installed one has no such field: its services are its publisher's.
        services: if sent.has("services") { Patch::Set(services) } else { Patch::Keep },
    };
    match skills::update(&app, &desk.holding(sent.get("etag")), &id, &request).await {
        Ok(saved) => Ok(to(&saved.value.id, Done::SkillUpdated, saved.version)),
        Err(error) => {
            let typed = Typed::again(&app, &sent, beside(in_line(error, &lines), PLACES)?);
            let found = skills::show(&app, &desk.by, &id).await?;
            Ok(Html::again(one(&app, &desk, found, typed).await?).into_response())
        }
    }
}

/// Goes on to one's page.
pub(super) fn to(id: &str, what: Done, version: u64) -> Response {
    done(&format!("{HERE}/{id}"), what, Some(version)).into_response()
}

/// The names of the policy's services.
pub(super) fn known(app: &App) -> Vec<String> {
    app.policy().spec().services.iter().map(|it| it.name.clone()).collect()
}

/// `service: secret, secret`, one a line; and of each its line.
fn services(text: &str) -> (Vec<ServiceLink>, Vec<usize>) {
    let written = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let link = |(number, line): (usize, &str)| {
        let (service, secrets) = line.split_once(':').unwrap_or((line, ""));
        let names = secrets.split(',').map(str::trim).filter(|name| !name.is_empty());
        (ServiceLink { service: service.trim().to_owned(), secrets: names.map(str::to_owned).collect() }, number)
    };
    written.map(link).unzip()
}

/// What is wrong with a service, with its line in front.
fn in_line(error: Error, lines: &[usize]) -> Error {
    let Error::Invalid { pointer, detail } = error else { return error };
    let index = pointer.strip_prefix("/services/").and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
    match index.and_then(|index| lines.get(index)) {
        Some(line) => Error::invalid("/services", format!("line {line}: {detail}")),
        None => Error::Invalid { pointer, detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_one_a_line() {
        let (links, lines) = services("weather: a, b ,\r\n\r\n crm \nbilling:\n");
        let told: Vec<_> = links.iter().map(|it| format!("{}={}", it.service, it.secrets.join("+"))).collect();
        assert_eq!(told, ["weather=a+b", "crm=", "billing="]);
        assert_eq!(lines, [1, 3, 4]);
        for (pointer, said) in [
            ("/services/1/service", "line 3: no"),
            ("/services/2/secrets/0", "line 4: no"),
            ("/services", "no"),
            ("/services/9/service", "no"),
        ] {
            assert_eq!(in_line(Error::invalid(pointer, "no"), &lines).to_string(), said, "{pointer}");
        }
    }
}
