//! The `portcullis` command: parse, run one subcommand, exit with its code.
//!
//! Data goes to stdout, talk to stderr. Invariant: no key or token is printed, except a new one to whoever made it.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod exit;
mod input;
mod output;
mod paging;
mod pinned;
mod refused;
mod table;

use clap::{Parser, Subcommand};

use crate::commands::{
    apps, audit, backup, bundle, denials, edge_keys, edges, explain, grants, issuers, keys, members, organizations,
    plans, policy, quota, receipt, restore, secrets, serve, signing_keys, skills, tokens, usage, webhooks, whoami,
};
use crate::exit::Failure;

/// API keys enforced inside Envoy.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, about, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the control plane.
    Serve(serve::Args),
    /// Create, find, import, restrict, rotate and revoke keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// List the Envoys that report: what each enforces, lets through and refuses.
    Edges(edges::Args),
    /// Say on how many edges a change is enforced, and how fast the slowest was.
    ///
    /// Exits with 3 unless every edge that reports enforces it.
    Receipt(receipt::Args),
    /// Say why a request was refused, by its id, or list the last denials.
    Denials(denials::Args),
    /// Add up what keys did, by hour, day, key, rule and more.
    Usage(usage::Args),
    /// Say who did what to what, when, from where; or write the whole audit log out.
    Audit(audit::Args),
    /// Copy the SQLite database to a file, also while a control plane serves from it.
    Backup(backup::Args),
    /// Put a copy in the database's place, while no control plane runs.
    Restore(restore::Args),
    /// List, make, rename, suspend and activate organisations, give them plans and tokens.
    #[command(subcommand)]
    Organizations(organizations::Command),
    /// List, make, change and delete plans: what organisations may use.
    #[command(subcommand)]
    Plans(plans::Command),
    /// Say what is left of a quota.
    #[command(subcommand)]
    Quota(quota::Command),
    /// List, invite, change and remove members of an organisation.
    #[command(subcommand)]
    Members(members::Command),
    /// Make, list and revoke API tokens for programs that manage keys.
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Register, change and revoke apps: OAuth clients that act for people.
    #[command(subcommand)]
    Apps(apps::Command),
    /// List and revoke what people allowed apps.
    #[command(subcommand)]
    Grants(grants::Command),
    /// List, replace and revoke the keys that access tokens are signed with.
    #[command(subcommand)]
    SigningKeys(signing_keys::Command),
    /// Accept access tokens of other people's issuers, and see how fetching their keys goes.
    #[command(subcommand)]
    Issuers(issuers::Command),
    /// Make, list and replace the keys that edges open secrets with. Their private halves are known to edges alone.
    #[command(subcommand)]
    EdgeKeys(edge_keys::Command),
    /// Enter, list and delete secrets: values that skills use at the edge and nobody sees.
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Make, change, publish and install skills: what keys may use which services with which secrets.
    #[command(subcommand)]
    Skills(skills::Command),
    /// Make, try out and remove webhooks: servers that are told what happens.
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Say whom the control plane takes you for, and what you may do.
    Whoami(whoami::Args),
    /// Check policy files; compare, publish and restore policies.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Inspect, verify and export bundles.
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Say how a request would be decided, check by check, offline.
    Explain(explain::Args),
}

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => match secrets::unseen(&error) {
            Some(failure) => return failure.report().into(),
            None => error.exit(),
        },
    };
    let done = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Keys(command) => keys::run(command),
        Command::Edges(args) => edges::run(&args),
        Command::Receipt(args) => receipt::run(&args),
        Command::Denials(args) => denials::run(&args),
        Command::Usage(args) => usage::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Organizations(command) => organizations::run(command),
        Command::Plans(command) => plans::run(command),
        Command::Quota(command) => quota::run(command),
        Command::Members(command) => members::run(&command),
        Command::Tokens(command) => tokens::run(&command),
        Command::Apps(command) => apps::run(&command),
        Command::Grants(command) => grants::run(&command),
        Command::SigningKeys(command) => signing_keys::run(&command),
        Command::Issuers(command) => issuers::run(&command),
        Command::EdgeKeys(command) => edge_keys::run(&command),
        Command::Secrets(command) => secrets::run(&command),
        Command::Skills(command) => skills::run(&command),
        Command::Webhooks(command) => webhooks::run(&command),
        Command::Whoami(args) => whoami::run(&args),
        Command::Policy(command) => policy::run(command),
        Command::Bundle(command) => bundle::run(command),
        Command::Explain(args) => explain::run(&args),
    };
    done.unwrap_or_else(|failure: Failure| failure.report()).into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
