//! One version on its way in: which parts are missing, which are in flight, where they go.
//!
//! Parts are written into slots that no header names yet, each as it arrives and is verified. Invariant: `commit`, the
//! one write that makes them visible, happens only when none is missing.

use portcullis_bundle::{BlobRef, KeyShard, Layout, Manifest, OrganizationShard, SkillShard, read_policy, read_tokens};

use crate::host::{Expect, Host};
use crate::live::{Live, Names, Place, tagged};

/// A version on its way in.
#[derive(Debug)]
pub(super) struct Download {
    /// The signed manifest as it came.
    manifest: Vec<u8>,
    old: Option<Live>,
    new: Live,
    expect: Expect,
    force: bool,
    missing: Vec<Part>,
    in_flight: Vec<(u32, Part)>,
    /// Parts that were verified and written.
    written: Vec<Part>,
    /// Why it cannot be completed; what is in flight is awaited all the same.
    broken: Option<String>,
}

/// Parts that a failed download left in shared memory, good for the next one if its manifest names them too. Without
/// them a first sync under steady writes might never end: the control plane forgets replaced blobs.
#[derive(Debug, Default)]
pub(super) struct Kept {
    layout: Layout,
    parts: Vec<Part>,
}

impl Kept {
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// How far a download is.
pub(super) enum Progress {
    /// Parts are in flight.
    Fetching,
    /// Every part is there.
    Complete,
    /// It failed, and nothing is in flight any more.
    Broken(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    blob: BlobRef,
    place: Place,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Policy,
    Tokens,
    Skills(usize),
    Organizations(usize),
    Keys(usize),
}

impl Download {
    /// What `manifest` needs beside what is live and what was kept. `force` takes nothing that is live for granted.
    pub(super) fn plan(
        manifest: Manifest,
        bytes: Vec<u8>,
        old: Option<Live>,
        expect: Expect,
        force: bool,
        kept: Kept,
    ) -> Self {
        let new = if force {
            Live::beside(&manifest, old.clone().map(Live::distrusted).as_ref())
        } else {
            Live::beside(&manifest, old.as_ref())
        };
        let policy = (Kind::Policy, manifest.policy, new.policy, old.as_ref().map(|it| it.policy));
        let tokens = manifest.tokens.zip(new.tokens);
        let tokens = tokens.map(|(blob, place)| (Kind::Tokens, blob, place, old.as_ref().and_then(|it| it.tokens)));
        let parts = |kind: fn(usize) -> Kind, blobs: &[BlobRef], places: &[Place], old: &[Place], same: bool| {
            let olds = |index| old.get(index).copied().filter(|_| same);
            let zipped = blobs.iter().zip(places).enumerate();
            zipped.map(|(index, (blob, place))| (kind(index), *blob, *place, olds(index))).collect::<Vec<_>>()
        };
        let old_live = old.as_ref();
        let keys = parts(
            Kind::Keys,
            &manifest.keys,
            &new.keys,
            old_live.map_or(&[], |it| &it.keys),
            old_live.is_some_and(|it| it.same_key_layout(&new.layout)),
        );
        let organizations = parts(
            Kind::Organizations,
            &manifest.organizations,
            &new.organizations,
            old_live.map_or(&[], |it| &it.organizations),
            old_live.is_some_and(|it| it.same_organization_layout(&new.layout)),
        );
        let skills = parts(
            Kind::Skills,
            &manifest.skills,
            &new.skills,
            old_live.map_or(&[], |it| &it.skills),
            old_live.is_some_and(|it| it.skills.len() == new.skills.len()),
        );
        let all = core::iter::once(policy).chain(tokens).chain(skills).chain(organizations).chain(keys);
        let wanted = all.filter(|(_, _, place, old)| Some(*place) != *old).map(|(kind, blob, place, _)| Part {
            blob,
            place,
            kind,
        });
        let same_names = kept.layout == new.layout;
        let (written, missing) = wanted.partition(|part| same_names && kept.parts.contains(part));
        Self { manifest: bytes, old, new, expect, force, missing, in_flight: Vec::new(), written, broken: None }
    }

    /// What it leaves to the next download.
    pub(super) fn kept(self) -> Kept {
        Kept { layout: self.new.layout, parts: self.written }
    }

    /// Whether it fetches everything, live or not.
    pub(super) fn is_forced(&self) -> bool {
        self.force
    }

    /// Whether every part is there.
    pub(super) fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.in_flight.is_empty() && self.broken.is_none()
    }

    /// Its version.
    pub(super) fn version(&self) -> u64 {
        self.new.version
    }

    /// Whether that answer is one of this download's.
    pub(super) fn expects(&self, token: u32) -> bool {
        self.in_flight.iter().any(|(expected, _)| *expected == token)
    }

    /// Starts what can be started, with so many fetches at the same time.
    pub(super) fn advance(&mut self, at_once: usize, start: impl Fn(&str) -> Result<u32, String>) -> Progress {
        while self.broken.is_none()
            && self.in_flight.len() < at_once
            && let Some(part) = self.missing.pop()
        {
            match start(&format!("/edge/v1/blobs/{}", part.blob.digest)) {
                Ok(token) => self.in_flight.push((token, part)),
                Err(problem) => self.broken = Some(problem),
            }
        }
        if !self.in_flight.is_empty() {
            return Progress::Fetching;
        }
        self.broken.take().map_or(Progress::Complete, Progress::Broken)
    }

    /// Verifies a part and writes it where no header points yet.
    pub(super) fn accept(&mut self, host: &impl Host, names: &Names, token: u32, answer: Result<Vec<u8>, String>) {
        let position = self.in_flight.iter().position(|(expected, _)| *expected == token);
        let Some(position) = position else { return };
        let (_, part) = self.in_flight.swap_remove(position);
        match answer.and_then(|bytes| self.verified(host, names, part, &bytes)) {
            Ok(()) => self.written.push(part),
            Err(problem) => {
                self.broken.get_or_insert(problem);
            }
        }
    }

    fn verified(&self, host: &impl Host, names: &Names, part: Part, bytes: &[u8]) -> Result<(), String> {
        if !part.blob.matches(bytes) {
            return Err(format!("blob {} refused: its bytes are others", part.blob.digest));
        }
        self.write(host, names, part, bytes).ok_or_else(|| format!("blob {} refused: malformed", part.blob.digest))
    }

    fn write(&self, host: &impl Host, names: &Names, part: Part, bytes: &[u8]) -> Option<()> {
        let set =
            |name: String, bytes: &[u8]| host.set_shared(&name, &tagged(&part.place, bytes), Expect::Anything).ok();
        let layout = &self.new.layout;
        match part.kind {
            Kind::Policy => {
                read_policy(bytes).ok()?;
                set(names.policy(&part.place), bytes)
            }
            Kind::Tokens => {
                read_tokens(bytes).ok()?;
                set(names.tokens(&part.place), bytes)
            }
            Kind::Skills(shard) => {
                SkillShard::open(bytes).and_then(|it| it.check()).ok()?;
                set(names.skills(self.new.skills.len(), &part.place, shard), bytes)
            }
            Kind::Organizations(shard) => {
                OrganizationShard::open(bytes).ok()?;
                set(names.organizations(layout, &part.place, shard), bytes)
            }
            Kind::Keys(index) => {
                let shard = KeyShard::open(bytes, layout).ok()?;
                let first = index * layout.buckets_per_shard();
                let mut buckets = (0..shard.len()).map(|bucket| (bucket, shard.bucket(bucket)));
                buckets.try_for_each(|(bucket, bytes)| set(names.bucket(layout, &part.place, first + bucket), bytes?))
            }
        }
    }

    /// Makes the version live.
    pub(super) fn commit(&self, host: &impl Host, names: &Names) -> Result<(), String> {
        let json = serde_json::to_vec(&self.new).map_err(|error| error.to_string())?;
        let written = host.set_shared(&names.manifest(), &self.manifest, Expect::Anything);
        written
            .and_then(|()| host.set_shared(&names.header(), &json, self.expect))
            .map_err(|_| "another VM wrote first".to_string())
    }

    /// What was live when it began, and what it makes live.
    pub(super) fn versions(&self) -> (Option<&Live>, &Live) {
        (self.old.as_ref(), &self.new)
    }
}
