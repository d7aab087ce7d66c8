//! `portcullis plans`: what organisations may use.

use portcullis_api::plans::Rate;
use portcullis_api::{CreatePlan, LostLeases, Plan, QuotaPeriod, UpdatePlan};

use super::block_on;
use super::limits::{patch, period, rate, rate_text, tokens};
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List plans by name.
    List(List),
    /// Make a plan.
    Create(Create),
    /// Change a plan. Limits follow at once, the bounds of periods that run do not.
    Set(Set),
    /// Remove a plan that no organisation has.
    Delete(Delete),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// Its name in requests: `free`.
    name: String,
    #[command(flatten)]
    members: Members,
    /// Organisations made from now on have it.
    #[arg(long)]
    default: bool,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Its name.
    name: String,
    #[command(flatten)]
    members: Members,
    /// Nobody counts from now on.
    #[arg(long, conflicts_with = "limit")]
    no_limit: bool,
    /// Requests are as many as the policy says.
    #[arg(long, conflicts_with = "rate")]
    no_rate: bool,
    /// Whether organisations made from now on have it.
    #[arg(long)]
    default: Option<bool>,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    /// Its name.
    name: String,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Members {
    /// What people call it.
    #[arg(long)]
    display_name: Option<String>,
    /// Tokens in each period.
    #[arg(long, value_parser = tokens, allow_negative_numbers = true)]
    limit: Option<u64>,
    /// Over what they are counted: `30d`, `month` or `day`.
    #[arg(long, value_parser = period)]
    period: Option<QuotaPeriod>,
    /// Requests in so many seconds, and how many at once: `100/1s+20`.
    #[arg(long, value_parser = rate, allow_hyphen_values = true)]
    rate: Option<Rate>,
    /// What becomes of tokens that a process held when it died: `spent` or `returned`.
    #[arg(long, value_parser = lost_leases)]
    lost_leases: Option<LostLeases>,
}

fn lost_leases(text: &str) -> Result<LostLeases, &'static str> {
    LostLeases::ALL.into_iter().find(|it| it.as_str() == text).ok_or("expected `spent` or `returned`")
}

/// Runs one of them.
pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    block_on(async {
        match command {
            Command::List(args) => {
                let all = args.control.client()?.list_plans().await?;
                print(&all, args.output, || output::json(&all))
            }
            Command::Create(args) => {
                let request = args.request();
                let made = args.control.client()?.create_plan(&request).await?.value;
                print(std::slice::from_ref(&made), args.output, || output::json(&made))
            }
            Command::Set(args) => {
                let request = args.request();
                if request == UpdatePlan::default() {
                    let hint = "hint: give --limit, --period, --rate, --display-name, --lost-leases or --default";
                    return Err(Failure::usage(format!("nothing to change\n{hint}")));
                }
                let changed = args.control.client()?.update_plan(&args.name, &request).await?;
                output::enforced_from(changed.version);
                print(std::slice::from_ref(&changed.value), args.output, || output::json(&changed.value))
            }
            Command::Delete(args) => {
                let gone = args.control.client()?.delete_plan(&args.name).await?.value;
                print(std::slice::from_ref(&gone), args.output, || output::json(&gone))
            }
        }
    })
}

impl Create {
    fn request(&self) -> CreatePlan {
        let Members { display_name, limit, period, rate, lost_leases } = &self.members;
        CreatePlan {
            name: self.name.clone(),
            display_name: display_name.clone(),
            limit: *limit,
            period: period.unwrap_or_default(),
            rate: *rate,
            lost_leases: lost_leases.unwrap_or_default(),
            default: self.default,
        }
    }
}

impl Set {
    fn request(&self) -> UpdatePlan {
        let Members { display_name, limit, period, rate, lost_leases } = &self.members;
        UpdatePlan {
            display_name: patch(display_name.clone(), false),
            limit: patch(*limit, self.no_limit),
            period: patch(*period, false),
            rate: patch(*rate, self.no_rate),
            lost_leases: patch(*lost_leases, false),
            default: patch(self.default, false),
        }
    }
}

fn print(plans: &[Plan], how: Output, json: impl FnOnce() -> Result<(), serde_json::Error>) -> Result<Exit, Failure> {
    if how.json {
        json()?;
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["name", "called", "limit", "period", "rate", "lost leases", "default"]);
    for it in plans {
        table.row([
            it.name.clone(),
            it.display_name.clone(),
            it.limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string()),
            it.period.as_str().to_owned(),
            it.rate.map(rate_text).unwrap_or_default(),
            it.lost_leases.as_str().to_owned(),
            if it.default { "yes" } else { "" }.to_owned(),
        ]);
    }
    output::data(&table.to_string());
    Ok(Exit::Success)
}
