//! `/edges`: who enforces what, how far behind, and with which keys.

use axum::extract::State;
use portcullis_api::EdgeKey;
use portcullis_api::status::Edge;

use super::desk::Desk;
use super::{Html, held_keys};
use crate::app::App;
use crate::error::Error;
use crate::http::failure::Failure;
use crate::pages::edges::{EdgeRow, Edges};
use crate::pages::form::Problems;
use crate::pages::parts::{Badge, Bar, Code, Tone};
use crate::pages::shell::Section;
use crate::pages::when::When;
use crate::{edge_keys, fleet};

pub(super) async fn show(State(app): State<App>, desk: Desk) -> Result<Html<Edges>, Failure> {
    Ok(Html::ok(page(&app, &desk, String::new(), Problems::default()).await?))
}

/// The page, with what was typed about another key.
pub(super) async fn page(app: &App, desk: &Desk, description: String, problems: Problems) -> Result<Edges, Error> {
    let edges = fleet::list(app, &desk.by).await?;
    let keys = edge_keys::list(app, &desk.by).await?.data;
    let warnings = held_keys::warnings(&keys, &edges, edge_keys::is_used(app).await?);
    let now = app.clock.seconds();
    Ok(Edges {
        shell: desk.shell("Edges", Section::Edges),
        version: app.publisher.current().map_or(0, |it| it.version()),
        publish_error: app.publisher.lag().last_error,
        edges: edges.into_iter().map(|edge| row(edge, &keys, now)).collect(),
        connect: Code::example("connect", "Start a whole example from the repository", "cargo xtask up"),
        keys: keys.into_iter().map(|it| held_keys::row(it, now)).collect(),
        warnings,
        description,
        generate: Code::example("generate", "Make a pair where the edge runs", "portcullis edge-keys generate"),
        problems,
    })
}

fn row(edge: Edge, keys: &[EdgeKey], now: u64) -> EdgeRow {
    let state = match (edge.silent, edge.versions_behind) {
        (true, _) => Badge::new(Tone::Bad, "Silent"),
        (false, 0) => Badge::new(Tone::Good, "Current"),
        (false, _) => Badge::new(Tone::Warn, "Behind"),
    };
    EdgeRow {
        edge: edge.edge,
        vms: edge.vms.len(),
        keys: edge.edge_keys.map(|held| held_keys::marked(held, keys)),
        version: edge.applied_version,
        lag: edge.versions_behind,
        state,
        bundle_age: duration(edge.bundle_age_seconds),
        last_report: When::parse(&edge.last_report, now),
        requests_per_second: format!("{:.1}", edge.requests_per_second),
        denied: Bar::all(edge.denied.into_iter().map(|(reason, count)| (reason.replace('_', " "), count))),
        errors: edge.errors,
    }
}

/// To the unit that says enough.
fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_800, "2 d")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
