//! How much of what known callers send is held at once: a body takes its length from its first byte until it is answered.
//!
//! In memory, for each replica. Invariant: neither one caller nor one organisation nor the edges take so much that there is
//! no room for others.

use std::sync::Arc;

use axum::http::StatusCode;
use portcullis_engine::OrganizationId;

use crate::caller::Caller;
use crate::http::failure::Failure;
use crate::http::tally::{Held, Tally};

const BACK_IN_SECONDS: u64 = 1;

/// The bytes that are taken, and by whom.
#[derive(Debug)]
pub(in crate::http) struct Room {
    most: usize,
    taken: Arc<Tally<Whose>>,
}

/// Room that is taken until this is dropped.
pub(in crate::http) type Place = Held<Whose>;

/// Who has a share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::http) enum Whose {
    Everybody,
    Edges,
    Organization(OrganizationId),
    /// By person or service token; `None` is the administrator.
    Caller(OrganizationId, Option<String>),
}

impl Room {
    /// With so many bytes.
    pub(in crate::http) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// Takes so many bytes, for a caller or for an edge; fails if they are not left.
    pub(in crate::http) fn take(&self, by: Option<&Caller>, size: usize) -> Result<Place, Failure> {
        self.taken.take(self.shares(by), size).ok_or_else(no_room)
    }

    /// What each of them may take, who all take it together: all, a half, an eighth.
    fn shares(&self, by: Option<&Caller>) -> Vec<(Whose, usize)> {
        let everybody = (Whose::Everybody, self.most);
        match by {
            None => vec![everybody, (Whose::Edges, self.most / 2)],
            Some(by) => {
                let organization = (Whose::Organization(by.organization), self.most / 2);
                vec![everybody, organization, (Whose::Caller(by.organization, by.maker()), self.most / 8)]
            }
        }
    }
}

fn no_room() -> Failure {
    let detail = "too much is being sent at once: nothing was changed, try again";
    let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, "no_room", detail);
    Failure { retry_after: Some(BACK_IN_SECONDS), ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Who;

    fn root(organization: u8) -> Caller {
        Caller::root(OrganizationId::from_bytes([organization; 10]), None, String::new())
    }

    fn service(organization: u8, number: u8) -> Caller {
        let id = format!("tok_{number:0>16}").parse().unwrap();
        Caller { who: Who::Token { id, name: String::new(), owner: None }, ..root(organization) }
    }

    /// How often somebody takes ten bytes.
    fn places(room: &Room, by: impl Fn(u8) -> Option<Caller>) -> Vec<Place> {
        (0..20).filter_map(|number| room.take(by(number).as_ref(), 10).ok()).collect()
    }

    #[test]
    fn whoever_sends_much_leaves_room_for_others() {
        let room = Room::new(160);
        let one = places(&room, |_| Some(root(1)));
        assert_eq!(one.len(), 2, "one caller");
        let same = places(&room, |number| Some(service(1, number)));
        assert_eq!(same.len(), 6, "others of the organisation");
        let edges = places(&room, |_| None);
        assert_eq!(edges.len(), 8);
        let refused = room.take(Some(&root(2)), 1).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), ("no_room", Some(1)));
        drop(edges);
        assert!(room.take(Some(&root(2)), 20).is_ok());
        assert!(room.take(Some(&root(2)), 21).is_err(), "more than one caller ever may");
        drop((one, same));
        assert!(room.taken.taken().is_empty(), "nothing is kept of those who are done");
    }
}
