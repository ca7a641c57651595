//! One frame without a terminal: as text for scripts, as SVG for documents.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::time::timeout;
use weir_model::{ErrorCode, Event};

use crate::app::App;
use crate::conn::api::{Api, Failure as Refusal};
use crate::conn::replay::Recording;
use crate::conn::{Detail, Snapshot, Update, look};
use crate::options::Options;
use crate::run::Failure;
use crate::svg;
use crate::theme::{Depth, Theme};
use crate::view;

/// How long events that happened before are awaited: they come at once or not at all.
const EVENTS_WAIT: Duration = Duration::from_millis(300);
/// Events taken: a tall page of them.
const EVENTS_MAX: usize = 200;

/// Asks the node once, prints or writes the frame.
///
/// # Errors
/// The node does not answer or refuses, there is nothing that the page is about, or a file cannot be written.
pub async fn print<A: Api>(api: &A, options: &Options) -> Result<(), Failure> {
    let theme = match options.svg {
        // A picture has colours whatever this terminal shows.
        Some(_) if !options.no_color => Theme { depth: Depth::True, ascii: options.ascii },
        _ => options.theme(),
    };
    let mut app = App::new(theme);
    let page = options.page()?;
    app.begin(page.clone(), &options.filter).map_err(Failure::Usage)?;
    let snapshot = look(api, &page.focus()).await.map_err(refused)?;
    if let Detail::Refused(error) = snapshot.detail {
        return Err(refused(Refusal::Refused(error)));
    }
    app.update(Update::Seen(Box::new(snapshot.clone())));
    events(api, &mut app).await;
    if let Some(path) = &options.record {
        record(snapshot, app.state.shown().events.to_vec(), path)?;
    }
    let (width, height) = options.size();
    let area = Rect::new(0, 0, width, height);
    let mut frame = Buffer::empty(area);
    view::render(&mut frame, area, &app.state, app.theme);
    if let Some(path) = &options.svg {
        let failed = |e| Failure::Io(path.display().to_string(), e);
        std::fs::write(path, svg::document(&frame)).map_err(failed)?;
    }
    if options.once {
        let failed = |e| Failure::Io("standard output".into(), e);
        std::io::stdout().write_all(text(&frame).as_bytes()).map_err(failed)?;
    }
    Ok(())
}

fn refused(failure: Refusal) -> Failure {
    let text = failure.to_string();
    let code = match failure {
        Refusal::Refused(error) => Some(error.code),
        Refusal::Unreachable(_) => None,
    };
    match code {
        Some(ErrorCode::Unauthorized | ErrorCode::Forbidden) => Failure::Forbidden(text),
        Some(ErrorCode::NotFound) => Failure::NotFound(text),
        _ => Failure::Unreachable(text),
    }
}

async fn events<A: Api>(api: &A, app: &mut App) {
    let Ok(Ok(mut events)) = timeout(EVENTS_WAIT, api.follow(None)).await else { return };
    for _ in 0..EVENTS_MAX {
        let Ok(Some(Ok(event))) = timeout(EVENTS_WAIT, events.next()).await else { return };
        app.update(Update::Event(event));
    }
}

fn record(snapshot: Snapshot, events: Vec<Event>, path: &Path) -> Result<(), Failure> {
    let mut recording = Recording::of(snapshot.status);
    (recording.streams, recording.events) = (snapshot.streams, events);
    match snapshot.detail {
        Detail::Stream(_, viewings, _) => recording.viewings = viewings,
        Detail::Channels(channels) => recording.channels = channels,
        Detail::Channel(_, channels, keys) => {
            (recording.channels, recording.keys) = (channels, keys);
        }
        Detail::Nodes(nodes) => recording.nodes = nodes,
        Detail::Links(links) => recording.links = links,
        Detail::Actors(actors) => recording.actors = actors,
        Detail::Replicas(replicas) => recording.replicas = replicas,
        Detail::Raft(status) => recording.cluster = Some(*status),
        Detail::Money(_, told) => recording.money.take(told),
        Detail::None | Detail::Refused(_) => {}
    }
    let failed = |e| Failure::Io(path.display().to_string(), e);
    let text = serde_json::to_vec_pretty(&recording).map_err(|e| failed(e.into()))?;
    std::fs::write(path, text).map_err(failed)
}

/// The frame's characters, a line each, without spaces at the ends.
#[must_use]
pub fn text(frame: &Buffer) -> String {
    let width = usize::from(frame.area.width).max(1);
    let mut lines = String::new();
    for row in frame.content.chunks(width) {
        let mut line = String::new();
        let mut covered = 0;
        for cell in row {
            // The cell behind a wide character is part of it.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = crate::text::width(cell.symbol()).saturating_sub(1);
            line.push_str(cell.symbol());
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::fixture;

    #[tokio::test]
    async fn a_page_about_nothing_is_not_found_and_says_why() {
        let options = Options::parse_from(["weir-tui", "--once", "--view", "stream/nope"]);
        let failure = print(&fixture::recording(), &options).await.unwrap_err();
        let said = (failure.code(), failure.to_string());
        assert_eq!(said, (3, "there is no such channel".to_owned()));
    }
}
