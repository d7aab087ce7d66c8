//! The plugins of one VM, one per root context, and which of them belong to listeners that are gone.
//!
//! A proxy tells a plugin that its listener is gone through callbacks that would cost every request too, so it is
//! guessed from ticks, which stop. Invariant: a root that may still serve is never dropped, whatever the clock does.

/// A root that ticked once and stood still while each of the others ticked that often (a minute) is gone. A root that
/// never ticked may be in a proxy without timers.
const GONE_TICKS: u64 = 600;

/// The plugins of one VM, the newest last.
#[derive(Debug)]
pub struct Roots<P> {
    plugins: Vec<Root<P>>,
    /// Ticks of all of them.
    ticks: u64,
    /// The stream created last and its root. A proxy creates a stream right before its request headers.
    pub stream: (u32, u32),
}

#[derive(Debug)]
struct Root<P> {
    id: u32,
    plugin: P,
    /// [`Roots::ticks`] when it last ticked.
    ticked: Option<u64>,
}

impl<P> Roots<P> {
    /// None yet.
    pub const fn new() -> Self {
        Self { plugins: Vec::new(), ticks: 0, stream: (0, 0) }
    }

    /// The plugin of a root.
    pub fn plugin(&mut self, root: u32) -> Option<&mut P> {
        self.plugins.iter_mut().find(|it| it.id == root).map(|it| &mut it.plugin)
    }

    /// A root ticked.
    pub fn count_tick(&mut self, root: u32) {
        self.ticks += 1;
        if let Some(root) = self.plugins.iter_mut().find(|it| it.id == root) {
            root.ticked = Some(self.ticks);
        }
    }

    /// Takes a plugin in, and lets go of those that are gone.
    pub fn add(&mut self, id: u32, plugin: P) {
        let patience = GONE_TICKS.saturating_mul(self.plugins.len() as u64);
        let lives = |ticked: u64| self.ticks.saturating_sub(ticked) <= patience;
        self.plugins.retain(|it| it.id != id && it.ticked.is_none_or(lives));
        self.plugins.push(Root { id, plugin, ticked: None });
    }
}

impl<P> Default for Roots<P> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds root 9 after roots 1 and 2 were there and these ticked; tells which of the two are left.
    fn left(ticking: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut roots = Roots::new();
        roots.add(1, ());
        roots.add(2, ());
        ticking.into_iter().for_each(|root| roots.count_tick(root));
        roots.add(9, ());
        (1..=2).filter(|root| roots.plugin(*root).is_some()).collect()
    }

    #[test]
    fn only_roots_that_stopped_ticking_are_dropped() {
        assert_eq!(left([]), [1, 2], "no timers");
        assert_eq!(left((0..10_000).map(|tick| 1 + tick % 2)), [1, 2], "both tick");
        assert_eq!(left([2; 10_000]), [1, 2], "1 never ticked");
        assert_eq!(left([1].into_iter().chain([2; 1_200])), [1, 2], "1 is late");
        assert_eq!(left([1].into_iter().chain([2; 1_201])), [2], "1 is gone");
    }
}
