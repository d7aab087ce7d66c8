//! SQL about people, sessions, invitations and tokens: which file carries out what.

use super::{Connection, invitations, members, sessions, tokens, users};
use crate::store::{AccountWrite, StoreError};

pub(super) async fn carry_out(connection: &mut Connection, write: &AccountWrite) -> Result<(), StoreError> {
    match write {
        AccountWrite::InsertUser(row) => users::insert(connection, row).await,
        AccountWrite::RenameUser(id, name) => users::rename(connection, *id, name).await,
        AccountWrite::SetPassword { user, from, to } => users::set_password(connection, *user, from, to).await,
        AccountWrite::TakeOver { from, to, at } => users::take_over(connection, from, to, *at).await,
        AccountWrite::HoldPassword(user, checked) => users::set_password(connection, *user, checked, checked).await,
        AccountWrite::InsertMember(row) => members::insert(connection, row).await,
        AccountWrite::SetRole(row, role, at) => members::set_role(connection, row, *role, *at).await,
        AccountWrite::RemoveMember(row, at) => members::remove(connection, row, *at).await,
        AccountWrite::InsertInvitation(row) => invitations::insert(connection, row).await,
        AccountWrite::AcceptInvitation(id, at) => invitations::accept(connection, *id, *at).await,
        AccountWrite::WithdrawInvitation(id, at) => invitations::withdraw(connection, *id, *at).await,
        AccountWrite::WithdrawFirst(at) => invitations::withdraw_first(connection, *at).await,
        AccountWrite::InsertSession(row, seen_since) => sessions::insert(connection, row, *seen_since).await,
        AccountWrite::MoveSession(id, to) => sessions::move_to(connection, *id, *to).await,
        AccountWrite::EndSession(user, id) => sessions::end(connection, *user, *id).await,
        AccountWrite::EndSessions(user, except) => sessions::end_all(connection, *user, *except).await,
        AccountWrite::InsertToken(row) => tokens::insert(connection, row).await,
        AccountWrite::RevokeToken(id, at) => tokens::revoke(connection, *id, *at).await,
        AccountWrite::RevokeTokensOf(user, at) => tokens::revoke_of(connection, *user, *at).await,
    }
}
