//! People as stored.

use async_trait::async_trait;

use crate::accounts::PasswordHash;
use crate::id::UserId;
use crate::store::StoreError;

/// Questions about people. They belong to no organisation; what they are in one is in `members`.
#[async_trait]
pub(crate) trait Users {
    /// One person.
    async fn user(&self, id: UserId) -> Result<Option<UserRow>, StoreError>;

    /// The person with that e-mail address, which is in lower case.
    async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError>;

    /// Whether there is anybody at all.
    async fn has_users(&self) -> Result<bool, StoreError>;
}

/// A person as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserRow {
    /// Names them.
    pub id: UserId,
    /// Their e-mail address, in lower case.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// What their password is checked against.
    pub password: PasswordHash,
    /// When they came, in Unix seconds.
    pub created_at: u64,
}
