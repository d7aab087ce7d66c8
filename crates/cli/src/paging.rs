//! Lists that come in pages, read to their end.

use portcullis_api::Page;
use portcullis_sdk::Error;

/// The most that a page can have.
pub(crate) const LARGEST_PAGE: u32 = 1000;

/// Every member of a list; `page` reads the one that begins at a cursor.
pub(crate) async fn all<T>(
    mut page: impl AsyncFnMut(Option<String>) -> Result<Page<T>, Error>,
) -> Result<Vec<T>, Error> {
    let (mut members, mut cursor) = (Vec::new(), None);
    loop {
        let read = page(cursor).await?;
        members.extend(read.data);
        cursor = read.next_cursor;
        if cursor.is_none() {
            return Ok(members);
        }
    }
}
