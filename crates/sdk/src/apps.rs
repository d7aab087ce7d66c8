//! `/v1/apps` and `/v1/grants`.

use portcullis_api::apps::{ListApps, ListGrants};
use portcullis_api::{App, CreateApp, CreatedApp, Grant, Page, UpdateApp};
use reqwest::Method;

use crate::client::{Client, Written, make, read, segment};
use crate::error::Error;

impl Client {
    /// Registers an app. Its secret, if it has one, is in this answer and nowhere else.
    pub async fn create_app(&self, request: &CreateApp) -> Result<CreatedApp, Error> {
        make(self.request(Method::POST, "/v1/apps")?.json(request)).await
    }

    /// One page of apps, newest first.
    pub async fn list_apps(&self, query: &ListApps) -> Result<Page<App>, Error> {
        read(self.request(Method::GET, "/v1/apps")?.query(query)).await
    }

    /// One app.
    pub async fn show_app(&self, id: &str) -> Result<App, Error> {
        self.get(&app(id)).await
    }

    /// Changes an app's name, where people are sent back to, and what it may ask for.
    pub async fn update_app(&self, id: &str, request: &UpdateApp) -> Result<App, Error> {
        read(self.request(Method::PATCH, &app(id))?.json(request)).await
    }

    /// Gives an app another secret, which is in this answer and nowhere else. The one before ends at once.
    pub async fn rotate_app(&self, id: &str) -> Result<CreatedApp, Error> {
        make(self.request(Method::POST, &format!("{}/rotate", app(id)))?).await
    }

    /// Revokes an app for good, and everything that anybody allowed it.
    pub async fn revoke_app(&self, id: &str) -> Result<Written<App>, Error> {
        self.write(Method::DELETE, &app(id), None::<&()>).await
    }

    /// One page of what people allowed apps, newest first.
    pub async fn list_grants(&self, query: &ListGrants) -> Result<Page<Grant>, Error> {
        read(self.request(Method::GET, "/v1/grants")?.query(query)).await
    }

    /// One grant.
    pub async fn show_grant(&self, id: &str) -> Result<Grant, Error> {
        self.get(&grant(id)).await
    }

    /// Revokes a grant for good.
    pub async fn revoke_grant(&self, id: &str) -> Result<Written<Grant>, Error> {
        self.write(Method::DELETE, &grant(id), None::<&()>).await
    }
}

fn app(id: &str) -> String {
    format!("/v1/apps/{}", segment(id))
}

fn grant(id: &str) -> String {
    format!("/v1/grants/{}", segment(id))
}
