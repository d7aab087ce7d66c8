//! Who may do what: roles, permissions, and how one follows from the other.
//!
//! It knows nobody by name. Invariant: a permission that no line here grants is refused.

use std::fmt;
use std::str::FromStr;

/// What a member is in an organisation. Each may all that the ones after it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Makes and unmakes owners.
    Owner,
    /// Manages members, service tokens and the organisation.
    Admin,
    /// Manages keys.
    Member,
    /// Looks.
    Viewer,
}

/// One thing that a caller may do. Its text is also a scope of API tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Permission {
    /// See keys, what they did, and explain decisions.
    KeysRead,
    /// Make, change and revoke keys.
    KeysWrite,
    /// See members and invitations.
    MembersRead,
    /// Invite members, change their roles, remove them.
    MembersWrite,
    /// See API tokens.
    TokensRead,
    /// Make and revoke API tokens.
    TokensWrite,
    /// See organisations.
    OrganizationsRead,
    /// Make organisations and change them.
    OrganizationsWrite,
    /// Read the audit log.
    AuditRead,
    /// Read the policy.
    PolicyRead,
    /// Publish policies.
    PolicyWrite,
    /// See the edges.
    EdgesRead,
    /// Read metrics.
    MetricsRead,
    /// See secrets, which never shows a value, and what they are sealed to.
    SecretsRead,
    /// Make secrets, replace their values, remove them.
    SecretsWrite,
    /// See skills.
    SkillsRead,
    /// Make skills, change, publish, install and remove them.
    SkillsWrite,
}

use Permission::{
    AuditRead, EdgesRead, KeysRead, KeysWrite, MembersRead, MembersWrite, MetricsRead, OrganizationsRead,
    OrganizationsWrite, PolicyRead, PolicyWrite, SecretsRead, SecretsWrite, SkillsRead, SkillsWrite, TokensRead,
    TokensWrite,
};

impl Permission {
    /// Every permission there is.
    pub(crate) const ALL: [Self; 17] = [
        KeysRead,
        KeysWrite,
        MembersRead,
        MembersWrite,
        TokensRead,
        TokensWrite,
        OrganizationsRead,
        OrganizationsWrite,
        AuditRead,
        PolicyRead,
        PolicyWrite,
        EdgesRead,
        MetricsRead,
        SecretsRead,
        SecretsWrite,
        SkillsRead,
        SkillsWrite,
    ];

    /// Its text: `keys:read`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            KeysRead => "keys:read",
            KeysWrite => "keys:write",
            MembersRead => "members:read",
            MembersWrite => "members:write",
            TokensRead => "tokens:read",
            TokensWrite => "tokens:write",
            OrganizationsRead => "organizations:read",
            OrganizationsWrite => "organizations:write",
            AuditRead => "audit:read",
            PolicyRead => "policy:read",
            PolicyWrite => "policy:write",
            EdgesRead => "edges:read",
            MetricsRead => "metrics:read",
            SecretsRead => "secrets:read",
            SecretsWrite => "secrets:write",
            SkillsRead => "skills:read",
            SkillsWrite => "skills:write",
        }
    }

    /// The lowest role that has it; `operator` says whether in the operator's own organisation.
    const fn lowest_role(self, operator: bool) -> Option<Role> {
        match self {
            KeysRead | MembersRead | OrganizationsRead | PolicyRead | SecretsRead | SkillsRead => Some(Role::Viewer),
            KeysWrite | TokensRead | TokensWrite | SecretsWrite | SkillsWrite => Some(Role::Member),
            MembersWrite | OrganizationsWrite | AuditRead => Some(Role::Admin),
            EdgesRead if operator => Some(Role::Viewer),
            PolicyWrite | MetricsRead if operator => Some(Role::Admin),
            EdgesRead | PolicyWrite | MetricsRead => None,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that names no role or permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such {0}")]
pub(crate) struct Unknown(&'static str);

impl FromStr for Permission {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(Unknown("scope"))
    }
}

impl Role {
    /// Every role, the highest first.
    pub(crate) const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// Its text: `owner`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// What it may do in an organisation; `operator` says whether it is the operator's own.
    pub(crate) fn permissions(self, operator: bool) -> Permissions {
        let granted = |it: &Permission| it.lowest_role(operator).is_some_and(|lowest| self <= lowest);
        Permission::ALL.into_iter().filter(granted).collect()
    }
}

impl FromStr for Role {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(Unknown("role"))
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Permissions(u32);

impl Permissions {
    /// Every permission there is.
    pub(crate) fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Whether it is one of them.
    pub(crate) const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// What is in both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of them are in another.
    pub(crate) const fn are_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Its members, in the order of [`Permission::ALL`].
    pub(crate) fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |it| self.has(*it))
    }

    /// Its members' texts with a space between.
    pub(crate) fn to_text(self) -> String {
        self.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl FromStr for Permissions {
    type Err = Unknown;

    /// Texts with a space between; none at all is the empty set.
    fn from_str(text: &str) -> Result<Self, Unknown> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, it| set | 1 << it as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_grant_what_the_table_says() {
        for (role, operator, expected) in [
            (Role::Viewer, false, "keys:read members:read organizations:read policy:read secrets:read skills:read"),
            (
                Role::Viewer,
                true,
                "keys:read members:read organizations:read policy:read edges:read secrets:read skills:read",
            ),
            (
                Role::Member,
                false,
                "keys:read keys:write members:read tokens:read tokens:write organizations:read policy:read secrets:read \
                 secrets:write skills:read skills:write",
            ),
            (
                Role::Admin,
                false,
                "keys:read keys:write members:read members:write tokens:read tokens:write organizations:read \
                 organizations:write audit:read policy:read secrets:read secrets:write skills:read skills:write",
            ),
        ] {
            assert_eq!(role.permissions(operator).to_text(), expected, "{role:?}");
        }
        assert_eq!(Role::Owner.permissions(true), Permissions::all());
        assert_eq!(Role::Admin.permissions(true), Permissions::all());
        assert_eq!(Role::Owner.permissions(false), Role::Admin.permissions(false));
    }

    #[test]
    fn texts_convert() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(permission));
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("keys:*".parse::<Permission>(), Err(Unknown("scope")));
    }
}
