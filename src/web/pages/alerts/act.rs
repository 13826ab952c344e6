//! What the forms of an alert's page send: the same wishes as the API takes.

use axum::extract::{Form, State};
use axum::response::Redirect;
use serde::Deserialize;

use crate::analysis::alerts::act::Wish;
use crate::domain::alert::AlertState;
use crate::domain::{AlertId, Scope};
use crate::ingest::limits::TEXT_BYTES;
use crate::web::api::alerts::wishes;
use crate::web::auth::Caller;
use crate::web::extract::Path;
use crate::web::{AppState, WebError};

/// What a form sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// The version that was on the page.
    version: u32,
    action: Action,
    /// A reason, a name or a note.
    #[serde(default)]
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Acknowledge,
    Reopen,
    Accept,
    Dismiss,
    Assign,
    Note,
}

/// `POST /alerts/{id}`. A browser sends its cookie from our own pages only, which
/// [`Caller`] checks.
pub async fn act(
    State(state): State<AppState>,
    Path(id): Path<AlertId>,
    caller: Caller,
    Form(sent): Form<Sent>,
) -> Result<Redirect, WebError> {
    caller.require(Scope::Triage)?;
    if sent.text.len() > TEXT_BYTES {
        return Err(WebError::bad_request(format!(
            "the text has {} bytes and the limit is {TEXT_BYTES}",
            sent.text.len()
        )));
    }
    wishes(&state, id, &sent.wish(), &caller.name()).await?;
    Ok(Redirect::to(&format!("/alerts/{id}")))
}

impl Sent {
    fn wish(self) -> Wish {
        let state = match self.action {
            Action::Acknowledge => Some(AlertState::Acknowledged),
            Action::Reopen => Some(AlertState::Open),
            Action::Accept => Some(AlertState::Accepted),
            Action::Dismiss => Some(AlertState::Dismissed),
            Action::Assign | Action::Note => None,
        };
        let text = Some(self.text);
        let only = |action| text.clone().filter(|_| self.action == action);
        Wish {
            version: Some(self.version),
            state,
            owner: only(Action::Assign),
            note: only(Action::Note),
            reason: text.filter(|_| state.is_some()),
            bisected: Vec::new(),
        }
    }
}
