//! `GET /skills`: what keys may use at the edge, the forms that make and change it, and what others published.

use askama::Template;

use super::audit::AuditRow;
use super::form::Problems;
use super::parts::{Badge, Pager};
use super::secrets::Whose;
use super::shell::Shell;
use super::when::When;

/// All that the viewer may see.
#[derive(Clone, Debug, Template)]
#[template(path = "skills.html")]
pub(crate) struct Skills {
    pub(crate) shell: Shell,
    pub(crate) rows: Vec<SkillRow>,
    pub(crate) pager: Pager,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct SkillRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) whose: Whose,
    pub(crate) services: Vec<String>,
    /// How many keys belong to it.
    pub(crate) keys: u64,
    /// What there is to know at a glance: published, secrets missing, a newer version.
    pub(crate) flags: Vec<Badge>,
}

/// `GET /skills/new`.
#[derive(Clone, Debug, Template)]
#[template(path = "skill_new.html")]
pub(crate) struct NewSkill {
    pub(crate) shell: Shell,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) team: bool,
    /// `weather: weather_api_key, other`, one service a line.
    pub(crate) services: String,
    /// The policy's services.
    pub(crate) known: Vec<String>,
    pub(crate) problems: Problems,
}

/// `GET /skills/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "skill.html")]
pub(crate) struct SkillPage {
    pub(crate) shell: Shell,
    pub(crate) skill: SkillRow,
    pub(crate) version: u64,
    pub(crate) published: Option<u64>,
    /// The id of what it was installed from.
    pub(crate) installed_from: Option<String>,
    /// Its publisher's newest version, if it has another.
    pub(crate) available: Option<u64>,
    pub(crate) created: When,
    pub(crate) created_by: Option<String>,
    pub(crate) links: Vec<Link>,
    /// Some of its keys, by id and name.
    pub(crate) keys: Vec<(String, String)>,
    pub(crate) may_change: bool,
    pub(crate) may_delete: bool,
    /// As it is, or as it was typed.
    pub(crate) description: String,
    /// The same.
    pub(crate) services: String,
    pub(crate) known: Vec<String>,
    pub(crate) etag: String,
    pub(crate) problems: Problems,
    /// Absent for whoever may not read the log.
    pub(crate) entries: Option<Vec<AuditRow>>,
}

/// A service that it may use.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) service: String,
    pub(crate) secrets: Vec<Reference>,
}

/// A secret that may be sent to the service.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) found: Badge,
    /// The page of the secret that it stands for.
    pub(crate) href: Option<String>,
    /// The form that enters it, where it is missing and the viewer may.
    pub(crate) enter: Option<String>,
}

impl SkillPage {
    /// Whether what is published is not what is in force.
    fn is_behind(&self) -> bool {
        self.published != Some(self.version)
    }

    /// Keys that are not named.
    fn more_keys(&self) -> u64 {
        self.skill.keys.saturating_sub(u64::try_from(self.keys.len()).unwrap_or(u64::MAX))
    }
}

/// `GET /skills/published`.
#[derive(Clone, Debug, Template)]
#[template(path = "skills_published.html")]
pub(crate) struct Published {
    pub(crate) shell: Shell,
    pub(crate) rows: Vec<PublishedRow>,
    pub(crate) pager: Pager,
}

/// One that anybody can install.
#[derive(Clone, Debug)]
pub(crate) struct PublishedRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) publisher: String,
    pub(crate) version: u64,
    /// Each service, and the names of the secrets that whoever installs it supplies.
    pub(crate) services: Vec<(String, Vec<String>)>,
}

/// `GET /skills/published/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "skill_install.html")]
pub(crate) struct Install {
    pub(crate) shell: Shell,
    pub(crate) skill: PublishedRow,
    /// What it is called here.
    pub(crate) name: String,
    pub(crate) team: bool,
    pub(crate) problems: Problems,
}

/// A skill that a key may belong to, in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkillChoice {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}
