//! Following a live run: server-sent events.
//!
//! An event is named by the run's state (`running`, `lost`, `complete`); its data is the run as
//! JSON, of a complete one at least `id` and `state`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream, StreamExt};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::extract::Path;
use super::live::{LiveRun, LiveState};
use super::{AppState, WebError};
use crate::domain::RunId;

/// Proxies close a connection that is silent for a minute; many do after 30 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /api/v1/live/{run_key}/events`: the states of a live run as they come. A run whose report
/// is stored already answers with one `complete`, so that no page waits for what has happened.
pub async fn events(
    State(state): State<AppState>,
    Path(run_key): Path<String>,
) -> Result<Response, WebError> {
    if let Some(follower) = state.live.follow(&run_key) {
        let events = states(follower, state.shutdown.clone()).map(|run| event(run.state, &*run));
        return Ok(respond(events));
    }
    let Some(run) = state.store.run_by_key(&run_key).await? else {
        return Err(WebError::not_found("live run", run_key));
    };
    let complete = Complete {
        id: run.id,
        state: LiveState::Complete,
    };
    Ok(respond(stream::iter([event(
        LiveState::Complete,
        &complete,
    )])))
}

#[derive(Serialize)]
struct Complete {
    id: RunId,
    state: LiveState,
}

fn respond(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    Sse::new(events.map(Ok::<_, Infallible>))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

fn event(state: LiveState, data: &impl Serialize) -> Event {
    let name = match state {
        LiveState::Running => "running",
        LiveState::Lost => "lost",
        LiveState::Complete => "complete",
    };
    let event = Event::default().event(name);
    // Plain data in maps with text keys always writes as JSON; should it not, the name says enough.
    event.clone().json_data(data).unwrap_or(event)
}

/// The states of a run from now on, the present one first. Ends after the run is complete, when it
/// is forgotten, and when the server shuts down.
fn states(
    follower: watch::Receiver<Arc<LiveRun>>,
    shutdown: CancellationToken,
) -> impl Stream<Item = Arc<LiveRun>> + Send {
    let first = true;
    stream::unfold(Some((follower, shutdown, first)), |state| async {
        let (mut follower, shutdown, first) = state?;
        if !first {
            tokio::select! {
                () = shutdown.cancelled() => return None,
                changed = follower.changed() => changed.ok()?,
            }
        }
        let run = Arc::clone(&follower.borrow_and_update());
        let next = (run.state != LiveState::Complete).then_some((follower, shutdown, false));
        Some((run, next))
    })
}
