//! `/explain`: how a request would be decided, check by check.

use axum::extract::State;
use portcullis_api::explain::{CheckOutcome, Explain as Request, ExplainedCheck, Explanation as Explained};
use portcullis_api::keys::ListKeys;
use serde::Deserialize;

use super::Html;
use super::desk::Desk;
use super::problems::{Places, beside, sentence};
use super::{fields, keys as listing};
use crate::app::App;
use crate::error::Error;
use crate::http::body::Parameters;
use crate::http::failure::Failure;
use crate::http::session::Form;
use crate::pages::explain::{Check, Explain, ExplainFields, Explanation, Outcome};
use crate::pages::form::Problems;
use crate::pages::shell::Section;
use crate::policy::PolicyRoom;
use crate::{denials, explain, keys};

/// Keys on offer; any other can be named by its id.
const ON_OFFER: u32 = 100;

const PLACES: &Places =
    &[("", "path"), ("/key", "key"), ("/address", "address"), ("/referrer", "referrer"), ("/origin", "origin")];

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    key: String,
    method: String,
    path: String,
    address: String,
    referrer: String,
    origin: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct About {
    key: String,
}

pub(super) async fn form(
    State(app): State<App>,
    desk: Desk,
    Parameters(About { key }): Parameters<About>,
) -> Result<Html<Explain>, Failure> {
    let fields = Asked { key, method: "GET".to_owned(), ..Asked::default() }.fields(&app.policy());
    Ok(Html::ok(page(&app, &desk, fields, None).await?))
}

pub(super) async fn answer(
    State(app): State<App>,
    desk: Desk,
    Form(mut asked): Form<Asked>,
) -> Result<Html<Explain>, Failure> {
    let policy = app.policy();
    if policy.spots_key_in(&asked.key) {
        // Whoever has the key itself means it.
        asked.key = listing::find(&app, &desk, &asked.key).await.unwrap_or_default();
    }
    // In a form the key is a field like any other.
    let beside_key = |error| match error {
        Error::NotFound(_) => Error::invalid("/key", "there is no such key: expected the id of one"),
        other => other,
    };
    match explain::explain(&app, &desk.by, &asked.request()).await.map_err(beside_key) {
        Ok(explained) => Ok(Html::ok(page(&app, &desk, asked.fields(&policy), Some(shown(explained))).await?)),
        Err(error) => {
            let fields = ExplainFields { problems: beside(error, PLACES)?, ..asked.fields(&policy) };
            Ok(Html::again(page(&app, &desk, fields, None).await?))
        }
    }
}

impl Asked {
    fn request(&self) -> Request {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Request {
            key: self.key.clone(),
            method: self.method.trim().to_owned(),
            path: self.path.trim().to_owned(),
            address: given(&self.address),
            referrer: given(&self.referrer),
            origin: given(&self.origin),
        }
    }

    fn fields(&self, policy: &PolicyRoom) -> ExplainFields {
        let again = |text: &str| fields::again(policy, text);
        ExplainFields {
            // A token is not shown again.
            key: Some(again(&self.key)).filter(|it| !explain::is_token(it)).unwrap_or_default(),
            method: again(&self.method),
            path: again(&self.path),
            address: again(&self.address),
            referrer: again(&self.referrer),
            origin: again(&self.origin),
            problems: Problems::default(),
        }
    }
}

async fn page(
    app: &App,
    desk: &Desk,
    explain: ExplainFields,
    explanation: Option<Explanation>,
) -> Result<Explain, Error> {
    let _listing = app.listings.turn(&desk.by).await;
    let on_offer = keys::list(app, &desk.by, ListKeys { limit: Some(ON_OFFER), ..ListKeys::default() }).await?;
    Ok(Explain {
        shell: desk.shell("Explain a request", Section::Explain),
        explain,
        keys: on_offer.data.into_iter().map(|key| (key.id, key.name)).collect(),
        explanation,
    })
}

/// The engine's answer as people read it.
pub(super) fn shown(explained: Explained) -> Explanation {
    Explanation {
        allowed: explained.allowed,
        status: explained.status.unwrap_or_default(),
        code: explained.code.unwrap_or_default(),
        message: explained.message.unwrap_or_default(),
        rule: explained.rule,
        checks: explained.checks.into_iter().map(check).collect(),
    }
}

fn check(check: ExplainedCheck) -> Check {
    Check {
        detail: detail(&check),
        step: Check::label(&check.step).to_owned(),
        outcome: match check.outcome {
            CheckOutcome::Passed => Outcome::Passed,
            CheckOutcome::Denied => Outcome::Denied,
            CheckOutcome::Observed => Outcome::Observed,
        },
    }
}

/// What a check has to say: of one that did not pass, what its reason means.
fn detail(check: &ExplainedCheck) -> String {
    match (check.reason.as_deref(), check.detail.split_once(' ')) {
        (Some(reason), _) => denials::meaning(reason).to_owned(),
        (None, Some((place, rule))) if place.starts_with("rules[") => format!("`{place}` of the policy: `{rule}`"),
        (None, _) => sentence(&check.detail),
    }
}
