//! `/v1/skills` and `/v1/published-skills`.

use portcullis_api::skills::{ListSkills, PublishedSkill};
use portcullis_api::{CreateSkill, InstallSkill, Page, Skill, UpdateSkill, UpgradeSkill, WhichPage};
use reqwest::Method;

use crate::client::{Client, Written, read, segment};
use crate::error::Error;

/// A call without a body.
const NO_BODY: Option<&()> = None;

impl Client {
    /// Makes a skill. The secrets it names need not exist yet.
    pub async fn create_skill(&self, request: &CreateSkill) -> Result<Written<Skill>, Error> {
        self.write(Method::POST, "/v1/skills", Some(request)).await
    }

    /// One page of skills, newest first.
    pub async fn list_skills(&self, query: &ListSkills) -> Result<Page<Skill>, Error> {
        read(self.request(Method::GET, "/v1/skills")?.query(query)).await
    }

    /// One page of what others published, newest first.
    pub async fn list_published_skills(&self, query: &WhichPage) -> Result<Page<PublishedSkill>, Error> {
        read(self.request(Method::GET, "/v1/published-skills")?.query(query)).await
    }

    /// One skill, and what each of its references stands for.
    pub async fn show_skill(&self, id: &str) -> Result<Skill, Error> {
        self.get(&skill(id)).await
    }

    /// Changes what a skill is for and what it may use. Other services make a new version.
    pub async fn update_skill(&self, id: &str, request: &UpdateSkill) -> Result<Written<Skill>, Error> {
        self.write(Method::PATCH, &skill(id), Some(request)).await
    }

    /// Offers a skill, as it is now, to every organisation.
    pub async fn publish_skill(&self, id: &str) -> Result<Written<Skill>, Error> {
        self.write(Method::POST, &format!("{}/publish", skill(id)), NO_BODY).await
    }

    /// Offers it no more. Where it is installed it goes on working.
    pub async fn unpublish_skill(&self, id: &str) -> Result<Written<Skill>, Error> {
        self.write(Method::POST, &format!("{}/unpublish", skill(id)), NO_BODY).await
    }

    /// Makes a skill of the caller's out of a published one.
    pub async fn install_skill(&self, id: &str, request: &InstallSkill) -> Result<Written<Skill>, Error> {
        self.write(Method::POST, &format!("{}/install", skill(id)), Some(request)).await
    }

    /// Takes over what its publisher has published since.
    pub async fn upgrade_skill(&self, id: &str, request: &UpgradeSkill) -> Result<Written<Skill>, Error> {
        self.write(Method::POST, &format!("{}/upgrade", skill(id)), Some(request)).await
    }

    /// Deletes a skill. Unless `force` is said, 409 `skill_in_use` if keys belong to it.
    pub async fn delete_skill(&self, id: &str, force: bool) -> Result<Written<Skill>, Error> {
        self.remove(&skill(id), force).await
    }
}

fn skill(id: &str) -> String {
    format!("/v1/skills/{}", segment(id))
}
