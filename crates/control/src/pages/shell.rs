//! What surrounds a page: title, navigation, who is signed in, a notice. It offers what the viewer may open and
//! protects nothing; handlers do.

use super::receipt::Receipt;

/// Around every page of somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) viewer: Viewer,
    pub(crate) csrf: String,
    pub(crate) notice: Option<Notice>,
    /// How much of a quota is used, if that is worth a word on every page.
    pub(crate) quota: Option<Notice>,
}

/// Which entry of the navigation is the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Keys,
    Secrets,
    Skills,
    Explain,
    Denials,
    Audit,
    Organization,
    Organizations,
    Policy,
    SigningKeys,
    Edges,
    Settings,
    Webhooks,
    Apps,
    Grants,
    Plans,
    Usage,
    None,
}

/// Who looks at the page.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) organization: String,
    /// The other organisations that they are a member of, by id and name.
    pub(crate) others: Vec<(String, String)>,
    pub(crate) can: Can,
}

/// What the viewer may do, so that a page offers nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Can {
    pub(crate) keys_write: bool,
    pub(crate) secrets_read: bool,
    pub(crate) secrets_write: bool,
    pub(crate) skills_read: bool,
    pub(crate) skills_write: bool,
    pub(crate) members_read: bool,
    pub(crate) members_write: bool,
    pub(crate) tokens_write: bool,
    pub(crate) audit_read: bool,
    pub(crate) policy_read: bool,
    pub(crate) policy_write: bool,
    pub(crate) edges_read: bool,
    pub(crate) organizations_write: bool,
    /// Whether theirs is the operator's organisation, which sees them all.
    pub(crate) operate: bool,
}

/// What just happened.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) kind: NoticeKind,
    pub(crate) text: String,
    pub(crate) detail: Option<String>,
    /// How far the change has come.
    pub(crate) receipt: Option<Receipt>,
}

/// How a notice looks and is read out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoticeKind {
    Done,
    Warning,
    Problem,
}

impl NoticeKind {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Warning => "warn",
            Self::Problem => "bad",
        }
    }

    pub(crate) fn icon(self) -> &'static str {
        if self == Self::Done { "check" } else { "warn" }
    }

    pub(crate) fn role(self) -> &'static str {
        if self == Self::Problem { "alert" } else { "status" }
    }
}

/// A part of the navigation.
#[derive(Clone, Debug)]
pub(crate) struct NavGroup {
    pub(crate) title: &'static str,
    pub(crate) items: Vec<NavItem>,
}

/// One link of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NavItem {
    pub(crate) href: &'static str,
    pub(crate) label: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) current: bool,
}

impl Shell {
    /// The links that the viewer may follow.
    pub(crate) fn nav(&self) -> Vec<NavGroup> {
        let can = self.viewer.can;
        let groups = [
            (
                "",
                vec![
                    (true, Section::Overview, "/", "Overview", "overview"),
                    (true, Section::Keys, "/keys", "Keys", "keys"),
                    (can.skills_read, Section::Skills, "/skills", "Skills", "skills"),
                    (can.secrets_read, Section::Secrets, "/secrets", "Secrets", "secrets"),
                    (true, Section::Usage, "/usage", "Usage", "usage"),
                    (true, Section::Explain, "/explain", "Explain", "explain"),
                    (true, Section::Denials, "/denials", "Denials", "denials"),
                    (can.audit_read, Section::Audit, "/audit", "Audit log", "audit"),
                    (can.members_read, Section::Organization, "/organization", "Organisation", "organization"),
                    (can.organizations_write, Section::Webhooks, "/webhooks", "Webhooks", "webhooks"),
                    (can.organizations_write, Section::Apps, "/apps", "Apps", "apps"),
                ],
            ),
            (
                "Operator",
                vec![
                    (can.operate, Section::Organizations, "/organizations", "Organisations", "organizations"),
                    (can.operate, Section::Plans, "/plans", "Plans", "plans"),
                    (can.policy_read, Section::Policy, "/policy", "Policy", "policy"),
                    (can.operate, Section::SigningKeys, "/signing-keys", "Signing keys", "keys"),
                    (can.edges_read, Section::Edges, "/edges", "Edges", "edges"),
                ],
            ),
            (
                "You",
                vec![
                    (true, Section::Grants, "/grants", "Apps you allowed", "grants"),
                    (true, Section::Settings, "/settings", "Settings", "settings"),
                ],
            ),
        ];
        let item = |(shown, section, href, label, icon): (bool, Section, _, _, _)| {
            shown.then_some(NavItem { href, label, icon, current: section == self.section })
        };
        let groups = groups
            .into_iter()
            .map(|(title, items)| NavGroup { title, items: items.into_iter().filter_map(item).collect() });
        groups.filter(|group| !group.items.is_empty()).collect()
    }
}
