//! `portcullis restore`: a copy put in the SQLite database's place.

use std::path::PathBuf;

use portcullis_control::Clock;
use portcullis_control::backup::{Ended, Restore, Restored};
use serde_json::{Value, json};

use super::block_on;
use crate::args::{Database, Output};
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder of the control plane.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    #[command(flatten)]
    database: Database,
    /// The copy, as `portcullis backup` wrote it.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Revoke every API token that is in it, personal ones and those of services.
    #[arg(long)]
    revoke_tokens: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let (database, clock) = (args.database.database()?, Clock::system());
        let what = Restore { from: &args.from, revoke_tokens: args.revoke_tokens };
        let done = portcullis_control::backup::restore(&database, &args.data, what, &clock).await?;
        if args.output.json {
            output::json(&data(&done))?;
        } else {
            let Restored { version, keys, tokens, members, .. } = &done;
            output::data(&format!("restored: version {version}, {keys} keys, {tokens} API tokens, {members} members"));
        }
        tell(&done);
        Ok(Exit::Success)
    })
}

fn data(done: &Restored) -> Value {
    let Restored { version, keys, tokens, members, kept, revived, ended } = done;
    let lists = revived.as_ref().map(|it| {
        json!({
            "keys": it.keys, "tokens": it.tokens, "members": it.members, "passwords": it.passwords,
            "organizations": it.organizations,
        })
    });
    json!({
        "version": version, "keys": keys, "tokens": tokens, "members": members,
        "kept": kept.as_ref().map(|path| path.display().to_string()), "revived": lists,
        "ended": { "sessions": ended.sessions, "invitations": ended.invitations, "tokens": ended.tokens },
    })
}

/// What became of everything, for whoever has to look through it.
fn tell(done: &Restored) {
    if let Some(kept) = &done.kept {
        output::talk(&format!("what was there is kept in {}", kept.display()));
    }
    let Ended { sessions, invitations, tokens } = done.ended;
    output::talk(&format!(
        "ended: {sessions} sessions, {invitations} open invitations, {tokens} API tokens; kept answers are gone"
    ));
    let Some(revived) = &done.revived else {
        let unknown = "warning: what was there cannot be read: look through keys, API tokens, members, passwords and \
                       suspended organisations: all are as they were when the copy was made";
        return output::talk(unknown);
    };
    for (list, what) in [
        (&revived.keys, "keys that were revoked, disabled, rotated or shortened since work again"),
        (&revived.tokens, "API tokens that were revoked since work again (--revoke-tokens revokes all)"),
        (&revived.members, "members who were removed or had another role since are what they were"),
        (&revived.passwords, "passwords that were changed since are the earlier ones again"),
        (&revived.organizations, "organisations that were suspended since are active"),
    ] {
        if !list.is_empty() {
            output::talk(&format!("warning: {} {what}:\n{}", list.len(), list.join("\n")));
        }
    }
}
