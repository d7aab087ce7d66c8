//! What a manifest that arrived is worth beside the one that is live.
//!
//! Nothing is fetched here. Invariant: nothing is taken that no configured key signed, that is older than what is live,
//! or that is older than the configuration allows.

use portcullis_bundle::{Manifest, verify};

use super::download::Download;
use super::{Sync, call};
use crate::host::{Expect, Host, LogLevel};
use crate::live::Live;
use crate::timer::SECOND;

/// What the header says and the number it was read with.
pub(super) struct Header {
    pub(super) live: Option<Live>,
    pub(super) expect: Expect,
}

impl Sync {
    /// What to fetch for the manifest that arrived; `None` if nothing.
    pub(super) fn manifest(
        &mut self,
        host: &impl Host,
        headers: usize,
        body: usize,
    ) -> Result<Option<Box<Download>>, String> {
        let bytes = call::answer(host, headers, body)?;
        let manifest = verify(&bytes, &self.keys).map_err(|error| format!("manifest refused: {error}"))?;
        self.refuse_aged(host, &manifest)?;
        let Header { live, expect } = self.header(host);
        let force = self.repair.wanted();
        match &live {
            Some(live) if manifest.version < live.version => {
                return Err(format!("manifest refused: version {} after {}", manifest.version, live.version));
            }
            Some(live) if manifest.version == live.version => {
                if !Live::beside(&manifest, Some(live)).has_parts_of(live) {
                    self.take_other_content(host, &manifest, live)?;
                } else if !force {
                    self.vouch(host, &manifest, live, expect)?;
                    return Ok(None);
                }
            }
            _ => {}
        }
        let kept = core::mem::take(&mut self.kept);
        Ok(Some(Box::new(Download::plan(manifest, bytes, live, expect, force, kept))))
    }

    /// An edge that has nothing yet would take any manifest that was ever signed; a limit on age bounds that.
    fn refuse_aged(&self, host: &impl Host, manifest: &Manifest) -> Result<(), String> {
        let age = (host.now_nanos() / SECOND).saturating_sub(manifest.issued_at);
        match self.max_age {
            Some(max) if age > max => {
                Err(format!("manifest refused: issued {age} s ago, max_bundle_age_seconds is {max}"))
            }
            _ => Ok(()),
        }
    }

    /// A control plane that was restored from a backup may give a version out twice. The newer one is the one it has.
    fn take_other_content(&mut self, host: &impl Host, manifest: &Manifest, live: &Live) -> Result<(), String> {
        let (version, taken) = (manifest.version, manifest.issued_at > live.issued_at);
        let verdict = if taken { "taken, since it is newer" } else { "refused, since it is not newer" };
        let problem = format!("version {version} came again with other content: {verdict}");
        if !taken {
            return Err(problem);
        }
        host.log(LogLevel::Warn, format_args!("{problem}"));
        self.remember(problem);
        Ok(())
    }

    /// Nothing changed, but the control plane vouches for the bundle anew.
    fn vouch(&self, host: &impl Host, manifest: &Manifest, live: &Live, expect: Expect) -> Result<(), String> {
        if manifest.issued_at <= live.issued_at {
            return Ok(());
        }
        self.holding(host)?;
        let fresh = Live { issued_at: manifest.issued_at, ..live.clone() };
        let json = serde_json::to_vec(&fresh).map_err(|error| error.to_string())?;
        host.set_shared(&self.names.header(), &json, expect).map_err(|_| "another VM wrote first".to_string())
    }

    pub(super) fn header(&self, host: &impl Host) -> Header {
        match host.shared(&self.names.header()) {
            Some(shared) => {
                Header { live: serde_json::from_slice(&shared.value).ok(), expect: Expect::Unchanged(shared.cas) }
            }
            None => Header { live: None, expect: Expect::Absent },
        }
    }
}
