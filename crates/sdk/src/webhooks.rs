//! `/v1/webhooks`.

use portcullis_api::webhooks::ListWebhooks;
use portcullis_api::{CreateWebhook, CreatedWebhook, Delivery, Page, UpdateWebhook, Webhook, WhichPage};
use reqwest::Method;

use crate::client::{Client, accepted, make, read, segment};
use crate::error::Error;

impl Client {
    /// Makes a webhook. What its messages are signed with is in this answer and nowhere else.
    pub async fn create_webhook(&self, request: &CreateWebhook) -> Result<CreatedWebhook, Error> {
        make(self.request(Method::POST, "/v1/webhooks")?.json(request)).await
    }

    /// One page of webhooks, newest first.
    pub async fn list_webhooks(&self, query: &ListWebhooks) -> Result<Page<Webhook>, Error> {
        read(self.request(Method::GET, "/v1/webhooks")?.query(query)).await
    }

    /// One webhook.
    pub async fn show_webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.get(&webhook(id)).await
    }

    /// Changes where messages go, what of, and whether at all.
    pub async fn update_webhook(&self, id: &str, request: &UpdateWebhook) -> Result<Webhook, Error> {
        read(self.request(Method::PATCH, &webhook(id))?.json(request)).await
    }

    /// Removes a webhook and what it was sent.
    pub async fn remove_webhook(&self, id: &str) -> Result<(), Error> {
        accepted(self.request(Method::DELETE, &webhook(id))?).await.map(drop)
    }

    /// Sends a message that says nothing but that it arrives.
    pub async fn test_webhook(&self, id: &str) -> Result<Delivery, Error> {
        read(self.request(Method::POST, &format!("{}/test", webhook(id)))?).await
    }

    /// One page of what a webhook was sent, newest first.
    pub async fn list_deliveries(&self, id: &str, query: &WhichPage) -> Result<Page<Delivery>, Error> {
        read(self.request(Method::GET, &format!("{}/deliveries", webhook(id)))?.query(query)).await
    }

    /// Sends a message again.
    pub async fn retry_delivery(&self, id: &str, delivery: &str) -> Result<Delivery, Error> {
        let path = format!("{}/deliveries/{}/retry", webhook(id), segment(delivery));
        read(self.request(Method::POST, &path)?).await
    }
}

fn webhook(id: &str) -> String {
    format!("/v1/webhooks/{}", segment(id))
}
