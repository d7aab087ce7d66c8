//! The literal segments that may follow one point of a template, and where each leads.
//!
//! A sorted list whose first eight bytes are compared as one number, which tells most segments apart without a call. It knows
//! no other spelling of a segment than its own. Invariant: in the order of bytes, each text once.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::router::Node;

/// Literal segments, and the nodes behind them.
#[derive(Clone, Debug, Default)]
pub(super) struct Literals(Vec<(Literal, Node)>);

#[derive(Clone, Debug)]
struct Literal {
    /// As of [`head`].
    head: u64,
    text: Box<[u8]>,
}

/// The first eight bytes, zeros for those that are not there: in the order of bytes.
fn head(text: &[u8]) -> u64 {
    match text.first_chunk::<8>() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => {
            let folded = text.iter().fold(0, |head, byte| head << 8 | u64::from(*byte));
            // Of nothing at all a shift by 64 would be.
            folded.checked_shl(64 - 8 * text.len() as u32).unwrap_or(0)
        }
    }
}

impl Literal {
    /// In the order of bytes: a zero byte may stand for none, so lengths decide between equal heads.
    fn compare(&self, other: u64, text: &[u8]) -> Ordering {
        let behind = |text: &'_ [u8]| text.get(8..).map(<[u8]>::len);
        self.head.cmp(&other).then_with(|| match (behind(&self.text), behind(text)) {
            (Some(_), Some(_)) => (*self.text).cmp(text),
            _ => self.text.len().cmp(&text.len()),
        })
    }
}

impl Literals {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The node behind a segment.
    pub(super) fn get(&self, segment: &[u8]) -> Option<&Node> {
        let place = self.place(segment).ok()?;
        self.0.get(place).map(|(_, node)| node)
    }

    /// The node behind a segment, which is made if there is none.
    pub(super) fn entry(&mut self, segment: &[u8]) -> &mut Node {
        let place = self.place(segment).unwrap_or_else(|place| {
            self.0.insert(place, (Literal { head: head(segment), text: segment.into() }, Node::default()));
            place
        });
        #[expect(clippy::indexing_slicing, reason = "it was found there or put there")]
        &mut self.0[place].1
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.0.iter().map(|(literal, node)| (&*literal.text, node))
    }

    fn place(&self, segment: &[u8]) -> Result<usize, usize> {
        let head = head(segment);
        self.0.binary_search_by(|(literal, _)| literal.compare(head, segment))
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_order_is_that_of_bytes() {
        let texts: [&[u8]; 15] = [
            b"",
            b"\0",
            b"a",
            b"a\0",
            b"a\0\0\0\0\0\0\0",
            b"a\0\0\0\0\0\0\0\0",
            b"ab",
            b"b",
            b"users",
            b"usersxyz",
            b"usersxyz0",
            b"usersxyz1",
            b"usersxyz\0",
            b"\xff",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ];
        let (mut literals, mut sorted) = (Literals::default(), BTreeMap::new());
        for text in texts.iter().rev() {
            let _ = literals.entry(text);
            let _ = literals.entry(text);
            sorted.insert(*text, ());
        }
        assert!(literals.iter().map(|(text, _)| text).eq(sorted.into_keys()));
        for text in texts {
            assert!(literals.get(text).is_some(), "{text:?}");
        }
        assert!(literals.get(b"user").is_none() && literals.get(b"usersxyz2").is_none());
    }
}
