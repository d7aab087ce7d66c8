//! Events of metering, turned into messages.

use crate::app::App;
use crate::store::StoreError;

/// Makes a message of each event for each webhook that is told of it.
pub(super) async fn tell(_app: &App) -> Result<(), StoreError> {
    Ok(())
}
