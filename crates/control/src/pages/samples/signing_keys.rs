//! Signing keys.

use super::*;
use crate::pages::form::Problems;
use crate::pages::parts::{Badge, Tone};
use crate::pages::signing_keys::{SigningKeyRow, SigningKeys};

fn listing(rich: bool) -> SigningKeys {
    let row = |word: &str, tone, ended: bool| SigningKeyRow {
        kid: "0pKzOWNHiDtFDJ5SzAYR8jHzyNGdRJw3TmYiwWlBUXA".to_owned(),
        algorithm: "EdDSA".to_owned(),
        badge: Badge::new(tone, word),
        signs_from: ago(days(31)),
        signs_until: ended.then(|| ago(days(1))),
        accepted_until: ended.then(|| When::new(NOW + 900, NOW)),
        revoked_at: (word == "Revoked").then(|| ago(60)),
    };
    let rows =
        vec![row("Signs", Tone::Good, false), row("Accepted", Tone::Quiet, true), row("Revoked", Tone::Bad, false)];
    let problems = Problems(vec![("now", HOSTILE.to_owned())]);
    SigningKeys {
        shell: shell("Signing keys", Section::SigningKeys),
        rows: if rich { rows } else { vec![] },
        minted: rich,
        problems: if rich { problems } else { Problems::default() },
    }
}

pub(super) fn pages() -> Vec<Page> {
    vec![page("signing-keys", &listing(true)), page("signing-keys-empty", &listing(false))]
}
