//! Which policy is in force when the control plane starts: the file's, if its text is new, or else the last published.
//!
//! A file that has not changed since it was published is not published again: what was published since over the API
//! survives a restart. Invariant: whatever is in force has a version, the file's text included.

use portcullis_api::policy::PolicySource;
use portcullis_engine::OrganizationId;
use portcullis_policy::Diagnostics;

use super::versions::publication;
use super::{PolicyRoom, secrets};
use crate::caller::Caller;
use crate::config::PolicyFile;
use crate::store::{PolicyRow, Store, StoreError};

/// How often it is tried again when other control planes start at the same time.
const ATTEMPTS: usize = 8;

/// Why there is no policy to serve.
#[derive(Debug, thiserror::Error)]
pub enum NoPolicy {
    /// The file does not compile, or a whole key stands in it; its author can fix either.
    #[error("{0}")]
    Refused(#[from] Box<Diagnostics>),
    /// No file was given and nothing was ever published; the operator can give one.
    #[error("no policy was ever published\nhint: give one, --policy FILE")]
    Missing,
    /// What was published by another version of this program cannot be read; the operator can start that one, or give
    /// a file that differs from the last one.
    #[error(
        "version {version} of the policy, which is in force, cannot be read: {problem}\nhint: --policy FILE replaces it"
    )]
    Unreadable {
        /// The policy's version.
        version: u64,
        /// What is wrong with it.
        problem: Box<Diagnostics>,
    },
    /// The database's fault.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Other control planes kept publishing.
    #[error("other control planes kept publishing policies while this one started: start it again")]
    Contended,
}

/// A file that compiles.
#[derive(Debug)]
pub(crate) struct File {
    name: String,
    text: String,
    title: String,
}

impl File {
    /// Accepts a file only if it compiles.
    pub(crate) fn read(file: &PolicyFile) -> Result<Self, NoPolicy> {
        let (spec, _) = portcullis_policy::compile(&file.text, &file.name).map_err(Box::new)?;
        Ok(Self { name: file.name.clone(), text: file.text.clone(), title: spec.name })
    }

    fn follow(&self, before: Option<&PolicyRow>, now_ms: u64) -> PolicyRow {
        PolicyRow {
            version: before.map_or(1, |row| row.version + 1),
            toml: self.text.clone(),
            source: PolicySource::File,
            restored_from: None,
            note: None,
            published_at: now_ms / 1000,
            published_by: String::new(),
            changed_in: 0,
        }
    }
}

/// The policy in force, and what whoever started the control plane should know of it.
pub(crate) async fn at_start(
    store: &dyn Store,
    organization: OrganizationId,
    now_ms: u64,
    file: Option<File>,
) -> Result<(PolicyRoom, Option<String>), NoPolicy> {
    let mut note = None;
    for _ in 0..ATTEMPTS {
        // In this order: where there is one of a file there is a newest one, whoever publishes in between.
        let of_a_file = store.newest_policy_of_a_file().await?;
        let newest = store.newest_policy().await?;
        let of_a_file = newest.clone().filter(|row| row.source == PolicySource::File).or(of_a_file);
        let news = file.as_ref().filter(|file| of_a_file.as_ref().is_none_or(|row| row.toml != file.text));
        let Some(file) = news else {
            let row = match newest {
                Some(row) => row,
                // Another control plane published it between the two looks.
                None if of_a_file.is_some() => continue,
                None => return Err(NoPolicy::Missing),
            };
            let note = note.or_else(|| file.zip(of_a_file).and_then(|(file, last)| left_aside(&row, &file, &last)));
            let unreadable = |problem| NoPolicy::Unreadable { version: row.version, problem };
            return Ok((PolicyRoom::read(&row).map_err(unreadable)?, note));
        };
        let in_force = newest.as_ref().and_then(|row| portcullis_policy::parse(&row.toml, "policy.toml").ok());
        if let Some(keys) = secrets::keys_in(&file.text, &file.name, in_force.as_ref()) {
            return Err(NoPolicy::Refused(Box::new(keys.diagnostics)));
        }
        let row = file.follow(newest.as_ref(), now_ms);
        let published = newest.and_then(|before| replaced(&before, file, &row));
        let change = publication(&Caller::system(organization), organization, now_ms, row, &file.title);
        match store.write(&change, 0).await {
            Ok(_) => note = published,
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(NoPolicy::Contended)
}

/// The file is not what is in force.
fn left_aside(current: &PolicyRow, file: &File, last: &PolicyRow) -> Option<String> {
    (current.source != PolicySource::File).then(|| {
        format!(
            "version {} of the policy is in force, published by {}; {} has not changed since it was version {} and is \
             not published again\nhint: `portcullis policy publish {}` makes it the policy again",
            current.version, current.published_by, file.name, last.version, file.name
        )
    })
}

/// The file is in force in place of what someone published.
fn replaced(before: &PolicyRow, file: &File, row: &PolicyRow) -> Option<String> {
    (before.source != PolicySource::File).then(|| {
        format!(
            "{} has changed and is now version {} of the policy, in place of version {}, published by {}",
            file.name, row.version, before.version, before.published_by
        )
    })
}
