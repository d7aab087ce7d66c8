//! Secrets, and the forms that take their values.

use super::*;
use crate::pages::form::Problems;
use crate::pages::parts::Pager;
use crate::pages::secrets::{NewSecret, SecretPage, SecretRow, Secrets, Whose};

const SEAL: &str = "8520f0098930a754:8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";

fn row(name: &str, description: &str, whose: Whose, unsealed: bool) -> SecretRow {
    SecretRow {
        id: "sec_0123456789abcdef".to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        whose,
        skills: u64::from(!unsealed) * 2,
        last_used: (!unsealed).then(|| ago(40)),
        entered: ago(days(12)),
        entered_by: (!unsealed).then(|| "ada@example.com".to_owned()),
        unsealed,
    }
}

fn list(rich: bool) -> Secrets {
    let rows = vec![
        row("weather_api_key", "api.weather.example, renewed each January", Whose::Team, false),
        row("crm_token", HOSTILE, Whose::Yours, true),
        row("billing_password", "", Whose::Of("grace.otieno@example.com".to_owned()), false),
    ];
    Secrets {
        shell: if rich { shell("Secrets", Section::Secrets) } else { viewer_shell("Secrets", Section::Secrets) },
        rows: if rich { rows } else { vec![] },
        unused: false,
        unsealed: if rich { "8520f0098930a754".to_owned() } else { String::new() },
        pager: Pager { shown: 3, first: None, next: rich.then(|| "/secrets?cursor=1.sec_2".to_owned()) },
        no_keys: !rich,
    }
}

fn new(rich: bool) -> NewSecret {
    let title = "Enter a secret";
    let wrong = |field, text: &str| (field, text.to_owned());
    NewSecret {
        shell: if rich { shell(title, Section::Secrets) } else { viewer_shell(title, Section::Secrets) },
        seal: if rich { SEAL.to_owned() } else { String::new() },
        organization: "org_0000000000000000".to_owned(),
        name: "weather_api_key".to_owned(),
        description: HOSTILE.to_owned(),
        team: rich,
        problems: Problems(if rich {
            vec![wrong("name", "There is a secret of that name."), wrong("value", "Expected 8 to 4096 bytes.")]
        } else {
            vec![]
        }),
    }
}

fn one(rich: bool) -> SecretPage {
    let skill = |name: &str| ("skl_0123456789abcdef".to_owned(), name.to_owned());
    SecretPage {
        shell: shell("weather_api_key", Section::Secrets),
        secret: row("weather_api_key", HOSTILE, Whose::Team, !rich),
        revision: 1 + u64::from(rich),
        created: ago(days(40)),
        created_by: rich.then(|| HOSTILE.to_owned()),
        missing: if rich { vec![] } else { strings(&["8520f0098930a754"]) },
        skills: if rich { vec![skill("weather-report")] } else { vec![] },
        more_skills: u64::from(rich),
        may_change: true,
        may_delete: rich,
        seal: if rich { SEAL.to_owned() } else { String::new() },
        organization: "org_0000000000000000".to_owned(),
        description: HOSTILE.to_owned(),
        etag: "0".repeat(16),
        problems: Problems::default(),
        entries: rich.then(entries),
    }
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        page("secrets", &list(true)),
        page("secrets-empty", &list(false)),
        page("secret-new", &new(true)),
        page("secret-new-without-keys", &new(false)),
        page("secret", &one(true)),
        page("secret-unsealed", &one(false)),
    ]
}
