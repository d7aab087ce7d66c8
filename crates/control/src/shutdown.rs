//! The end of the process, announced: long polls answer at once, then connections close.

use tokio::sync::watch;

/// Whether the end has begun. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

/// Whoever holds this decides when the end begins.
#[derive(Debug)]
pub(crate) struct Trigger(watch::Sender<bool>);

/// The two ends of one announcement.
pub(crate) fn new() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    /// Begins the end.
    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Returns once the end has begun.
    pub(crate) async fn begun(&self) {
        // A trigger that is gone means that its owner is.
        let _ = self.0.clone().wait_for(|begun| *begun).await;
    }
}
