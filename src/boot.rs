//! The process' name towards the control plane: 16 hex digits, new with every start.
//!
//! There is no entropy here, so it is made of what differs: the time in nanoseconds, the token, the edge's name and who is
//! first. Invariant: all VMs of a process have the same one, since only the first to ask writes it.

use portcullis_bundle::BlobDigest;

use crate::config::Control;
use crate::hash::head;
use crate::host::{Expect, Host};
use crate::live::Names;

/// The process' name; `None` if shared memory cannot hold one.
pub fn enter(host: &impl Host, names: &Names, control: &Control, vm: u64) -> Option<String> {
    let seed = format!("boot\n{}\n{vm}\n{}\n{}", host.now_nanos(), control.edge_id, control.token.authorization());
    let boot = format!("{:016x}", head(BlobDigest::of(seed.as_bytes()).as_bytes()));
    // A lost race means that another VM was first.
    let _ = host.set_shared(&names.boot(), boot.as_bytes(), Expect::Absent);
    let shared = host.shared(&names.boot())?;
    String::from_utf8(shared.value).ok().filter(|boot| boot.len() == 16)
}

/// Counts up a number that all VMs share.
#[inline(never)]
pub fn next(host: &impl Host, name: &str) -> Option<u64> {
    // Another VM may take a number at the same moment; a few tries are plenty for a handful of VMs.
    for _ in 0..16 {
        let current = host.shared(name);
        let expect = current.as_ref().map_or(Expect::Absent, |it| Expect::Unchanged(it.cas));
        let number = current.map_or(0, |it| head(&it.value)) + 1;
        if host.set_shared(name, &number.to_le_bytes(), expect).is_ok() {
            return Some(number);
        }
    }
    None
}
