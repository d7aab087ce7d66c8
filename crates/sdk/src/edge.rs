//! `/edge/v1`, as far as people want it. These calls carry the edges' token instead of the administrator's.

use reqwest::Method;

use crate::client::{Client, accepted};
use crate::error::Error;

impl Client {
    /// The whole current bundle as one file.
    pub async fn fetch_bundle(&self) -> Result<Vec<u8>, Error> {
        let response = accepted(self.request(Method::GET, "/edge/v1/bundle")?).await?;
        Ok(response.bytes().await?.to_vec())
    }
}
