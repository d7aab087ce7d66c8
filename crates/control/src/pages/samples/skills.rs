//! Skills, and what others published.

use super::*;
use crate::pages::form::Problems;
use crate::pages::parts::{Badge, Pager, Tone};
use crate::pages::secrets::Whose;
use crate::pages::skills::{
    Install, Link, NewSkill, Published, PublishedRow, Reference, SkillChoice, SkillPage, SkillRow, Skills,
};

const ID: &str = "skl_0123456789abcdef";
const SERVICES: &str = "crm: crm_token\nweather: weather_api_key, weather_region";

pub(super) fn choices() -> Vec<SkillChoice> {
    let choice = |label: &str, chosen| SkillChoice { id: ID.to_owned(), label: label.to_owned(), chosen };
    vec![choice("weather-report (the team's)", true), choice(HOSTILE, false)]
}

fn row(name: &str, whose: Whose, flags: Vec<Badge>) -> SkillRow {
    SkillRow {
        id: ID.to_owned(),
        name: name.to_owned(),
        description: "Tells the weather where the customer is.".to_owned(),
        whose,
        services: strings(&["crm", "weather"]),
        keys: 12,
        flags,
    }
}

fn list(rich: bool) -> Skills {
    let rows = vec![
        row("weather-report", Whose::Team, vec![Badge::new(Tone::Good, "Published")]),
        row(
            HOSTILE,
            Whose::Yours,
            vec![Badge::new(Tone::Warn, "Secrets missing"), Badge::new(Tone::Quiet, "Installed")],
        ),
        SkillRow { services: vec![], ..row("drafts", Whose::Of("grace.otieno@example.com".to_owned()), vec![]) },
    ];
    Skills {
        shell: if rich { shell("Skills", Section::Skills) } else { viewer_shell("Skills", Section::Skills) },
        rows: if rich { rows } else { vec![] },
        pager: Pager { shown: 3, first: None, next: rich.then(|| "/skills?cursor=1.skl_2".to_owned()) },
    }
}

fn new(rich: bool) -> NewSkill {
    let title = "Create a skill";
    let problem = || ("services", "Line 2: The policy has no such service; it has `weather`.".to_owned());
    NewSkill {
        shell: if rich { shell(title, Section::Skills) } else { viewer_shell(title, Section::Skills) },
        name: HOSTILE.to_owned(),
        description: String::new(),
        team: rich,
        services: SERVICES.to_owned(),
        known: if rich { strings(&["crm", "weather"]) } else { vec![] },
        problems: Problems(if rich { vec![problem()] } else { vec![] }),
    }
}

fn links() -> Vec<Link> {
    let reference = |name: &str, tone, word: &str, enter: Option<&str>| Reference {
        name: name.to_owned(),
        found: Badge::new(tone, word),
        href: enter.is_none().then(|| "/secrets/sec_0123456789abcdef".to_owned()),
        enter: enter.map(str::to_owned),
    };
    let missing = Some("/secrets/new?name=weather_region&team=true");
    vec![
        Link { service: "crm".to_owned(), secrets: vec![reference("crm_token", Tone::Good, "Yours", None)] },
        Link {
            service: "weather".to_owned(),
            secrets: vec![
                reference("weather_api_key", Tone::Good, "The team's", None),
                reference("weather_region", Tone::Warn, "Missing", missing),
            ],
        },
        Link { service: HOSTILE.to_owned(), secrets: vec![] },
    ]
}

fn one(rich: bool) -> SkillPage {
    let whose = if rich { Whose::Team } else { Whose::Of(HOSTILE.to_owned()) };
    let flags = vec![Badge::new(Tone::Warn, "Secrets missing"), Badge::new(Tone::Good, "Published")];
    let title = "weather-report";
    SkillPage {
        shell: if rich { shell(title, Section::Skills) } else { viewer_shell(title, Section::Skills) },
        skill: row(title, whose, if rich { flags } else { vec![] }),
        version: 3,
        published: rich.then_some(2),
        installed_from: (!rich).then(|| ID.to_owned()),
        available: (!rich).then_some(4),
        created: ago(days(12)),
        created_by: Some(HOSTILE.to_owned()),
        links: if rich { links() } else { vec![] },
        keys: if rich { pairs(&[("key_4fTq9ZxLw2Pm0aRb", "checkout-api"), ("key_0", HOSTILE)]) } else { vec![] },
        may_change: true,
        may_delete: rich,
        description: HOSTILE.to_owned(),
        services: SERVICES.to_owned(),
        known: strings(&["crm", "weather"]),
        etag: "0".repeat(16),
        problems: Problems(if rich { vec![("services", "Line 1: Wrong.".to_owned())] } else { vec![] }),
        entries: rich.then(entries),
    }
}

fn published(name: &str) -> PublishedRow {
    PublishedRow {
        id: ID.to_owned(),
        name: name.to_owned(),
        description: HOSTILE.to_owned(),
        publisher: "Northwind Platform".to_owned(),
        version: 2,
        services: vec![
            ("weather".to_owned(), strings(&["weather_api_key", "weather_region"])),
            (HOSTILE.to_owned(), vec![]),
        ],
    }
}

fn market(rich: bool) -> Published {
    Published {
        shell: if rich {
            shell("Published skills", Section::Skills)
        } else {
            viewer_shell("Published", Section::Skills)
        },
        rows: if rich { vec![published("weather-report"), published(HOSTILE)] } else { vec![] },
        pager: Pager { shown: 2, first: None, next: None },
    }
}

fn install(rich: bool) -> Install {
    Install {
        shell: if rich { shell("Install a skill", Section::Skills) } else { viewer_shell("Install", Section::Skills) },
        skill: published("weather-report"),
        name: HOSTILE.to_owned(),
        team: false,
        problems: Problems(if rich { vec![("name", "There is a skill of that name.".to_owned())] } else { vec![] }),
    }
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        page("skills", &list(true)),
        page("skills-empty", &list(false)),
        page("skill-new", &new(true)),
        page("skill-new-plain", &new(false)),
        page("skill", &one(true)),
        page("skill-installed", &one(false)),
        page("skills-published", &market(true)),
        page("skills-published-empty", &market(false)),
        page("skill-install", &install(true)),
        page("skill-install-plain", &install(false)),
    ]
}
