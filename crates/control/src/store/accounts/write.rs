//! What can be written about people, sessions, invitations and tokens. Edges need to know of none of it.

use portcullis_engine::OrganizationId;

use super::{InvitationRow, MemberRow, SessionRow, TokenRow, UserRow};
use crate::access::Role;
use crate::accounts::PasswordHash;
use crate::id::{InvitationId, SessionId, TokenId, UserId};

/// One change. Each is refused with `StoreError::Conflict` if what it is about changed since it was read.
#[derive(Clone, Debug)]
pub(crate) enum AccountWrite {
    /// A new person; refused if there is one with that e-mail address.
    InsertUser(UserRow),
    /// A person's new name.
    RenameUser(UserId, String),
    /// A person's new password.
    SetPassword {
        /// Whose.
        user: UserId,
        /// The one that was checked.
        from: PasswordHash,
        /// The new one.
        to: PasswordHash,
    },
    /// An account that is a member of nothing is somebody else's from now on, as given; whoever had it keeps no session,
    /// token or invitation. Refused if it is a member of something by now.
    TakeOver {
        /// The password that it had.
        from: PasswordHash,
        /// The account with its new name and password.
        to: UserRow,
        /// When.
        at: u64,
    },
    /// Nothing, and refused if a person's password is another by now than the one that was checked.
    HoldPassword(UserId, PasswordHash),
    /// A new member; refused if they are one already.
    InsertMember(MemberRow),
    /// What a member, as read, is from now on; refused if nobody would be left who owns the organisation.
    SetRole(MemberRow, Role, u64),
    /// A member, as read, is none any more; their sessions and personal tokens there end. Refused as above,
    /// or if they have secrets or skills there: `SecretWrite::DeleteOf` takes these before.
    RemoveMember(MemberRow, u64),
    /// A new invitation.
    InsertInvitation(InvitationRow),
    /// An invitation is accepted, which happens once.
    AcceptInvitation(InvitationId, u64),
    /// An invitation is withdrawn.
    WithdrawInvitation(InvitationId, u64),
    /// Every invitation of the first owner is withdrawn.
    WithdrawFirst(u64),
    /// Somebody signed in. Sessions that ended by themselves go: those not seen since then.
    InsertSession(SessionRow, u64),
    /// Somebody looks at another organisation.
    MoveSession(SessionId, OrganizationId),
    /// Somebody signed out.
    EndSession(UserId, SessionId),
    /// Every session of a person ends but this one.
    EndSessions(UserId, Option<SessionId>),
    /// A new token.
    InsertToken(TokenRow),
    /// A token is revoked.
    RevokeToken(TokenId, u64),
    /// Every personal token of a person is revoked, wherever it acts.
    RevokeTokensOf(UserId, u64),
}
