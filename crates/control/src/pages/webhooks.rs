//! `GET /webhooks`: servers that are told what happens, and what one of them was sent.

use askama::Template;

use super::form::Problems;
use super::parts::{Badge, Code, Pager};
use super::shell::Shell;
use super::when::When;

/// All of them, and the form of a new one.
#[derive(Clone, Debug, Template)]
#[template(path = "webhooks.html")]
pub(crate) struct Webhooks {
    pub(crate) shell: Shell,
    pub(crate) rows: Vec<WebhookRow>,
    /// What messages of the one just made are signed with: shown this once. Its id leads to it.
    pub(crate) made: Option<(String, Code)>,
    pub(crate) url: String,
    pub(crate) events: Vec<EventChoice>,
    pub(crate) problems: Problems,
}

/// One of them in the list.
#[derive(Clone, Debug)]
pub(crate) struct WebhookRow {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) events: Vec<String>,
    pub(crate) state: Badge,
    pub(crate) created: When,
}

/// What it can be told of.
#[derive(Clone, Debug)]
pub(crate) struct EventChoice {
    pub(crate) event: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) checked: bool,
}

/// `GET /webhooks/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "webhook.html")]
pub(crate) struct Webhook {
    pub(crate) shell: Shell,
    pub(crate) id: String,
    pub(crate) enabled: bool,
    pub(crate) state: Badge,
    pub(crate) created: When,
    pub(crate) created_by: String,
    pub(crate) url: String,
    pub(crate) events: Vec<EventChoice>,
    pub(crate) deliveries: Vec<DeliveryRow>,
    pub(crate) pager: Pager,
    pub(crate) problems: Problems,
}

/// A message that it was sent.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) created: When,
    pub(crate) state: Badge,
    pub(crate) attempts: u64,
    /// What the last attempt brought.
    pub(crate) answer: Option<String>,
    pub(crate) last: Option<When>,
    pub(crate) next: Option<When>,
    pub(crate) body: String,
}
