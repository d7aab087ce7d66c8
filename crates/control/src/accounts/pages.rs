//! Lists in pages, ordered by when something was made and then by its id.

use portcullis_api::Page;

use crate::error::Error;
use crate::store::Slice;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// What to read for a page: one row more than it shows tells whether there is another.
pub(crate) fn slice(limit: Option<u32>, cursor: Option<&str>) -> Result<Slice, Error> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("/limit", format!("expected 1 to {MAX_LIMIT}")));
    }
    Ok(Slice { after: cursor.map(parse).transpose()?, limit: limit + 1 })
}

/// The page made of what was read.
pub(crate) fn page<R, T>(
    mut rows: Vec<R>,
    slice: &Slice,
    place: impl Fn(&R) -> (u64, String),
    show: impl Fn(R) -> T,
) -> Page<T> {
    let shown = usize::try_from(slice.limit.saturating_sub(1)).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let next_cursor = rows.last().filter(|_| more).map(|row| {
        let (time, id) = place(row);
        format!("{time}.{id}")
    });
    Page { data: rows.into_iter().map(show).collect(), next_cursor }
}

fn parse(cursor: &str) -> Result<(u64, String), Error> {
    let parts = cursor.split_once('.').and_then(|(time, id)| {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        Some((time.parse().ok()?, id.to_owned())).filter(|_| plain)
    });
    parts.ok_or_else(|| Error::invalid("/cursor", "expected the `next_cursor` of the page before"))
}
