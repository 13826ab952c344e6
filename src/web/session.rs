//! Logging in and out of a browser: the token is the login, a cookie holds it.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::auth::{COOKIE, Caller, Secret, is_same_origin};
use super::pages::{Place, Shell, html};
use super::{AppState, WebError};

/// How long a browser keeps the cookie: 30 days.
const MAX_AGE: u32 = 30 * 24 * 60 * 60;

/// `GET /login`: the form; to somebody who is logged in, who he is.
pub async fn show(State(state): State<AppState>, caller: Caller) -> Result<Html<String>, WebError> {
    page(&state, &caller, None).await
}

/// What the form sends.
#[derive(Deserialize)]
pub struct Login {
    token: String,
}

/// `POST /login`: sets the cookie, if the token is worth anything.
pub async fn login(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(form): Form<Login>,
) -> Result<Response, WebError> {
    require_same_origin(&headers)?;
    let secret = Secret::given(form.token.trim());
    let known = state.store.find_token(&secret.hash()).await?;
    if known.is_none_or(|t| t.revoked_at.is_some()) {
        let nobody = Caller { token: None };
        let wrong = Some("This token is unknown or revoked.");
        let page = page(&state, &nobody, wrong).await?;
        return Ok((axum::http::StatusCode::UNAUTHORIZED, page).into_response());
    }
    Ok(with_cookie(&state, secret.reveal(), MAX_AGE))
}

/// `POST /logout`: the browser forgets the token; it stays valid.
pub async fn logout(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    require_same_origin(&headers)?;
    Ok(with_cookie(&state, "", 0))
}

fn require_same_origin(headers: &HeaderMap) -> Result<(), WebError> {
    if is_same_origin(headers) {
        return Ok(());
    }
    Err(WebError::forbidden(
        "this form was sent from another site: open this server's page and send it there",
    ))
}

/// To the overview, with the cookie. Scripts cannot read it, other sites cannot make a browser send
/// it, and under https it never travels in the clear.
fn with_cookie(state: &AppState, value: &str, max_age: u32) -> Response {
    let secure = if state.config.is_https() {
        "; Secure"
    } else {
        ""
    };
    let cookie =
        format!("{COOKIE}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
    let mut response = Redirect::to("/").into_response();
    match HeaderValue::from_str(&cookie) {
        Ok(cookie) => {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        // A known token has only letters of base64.
        Err(_) => WebError::bad_request("a token has no such letters").into_response(),
    }
}

async fn page(
    state: &AppState,
    caller: &Caller,
    wrong: Option<&'static str>,
) -> Result<Html<String>, WebError> {
    html(&LoginPage {
        shell: Shell::of(state, Place::Elsewhere).await?,
        who: caller
            .token
            .as_ref()
            .map(|token| format!("token {}, scope {}", token.id, token.scope)),
        wrong,
    })
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    shell: Shell,
    who: Option<String>,
    wrong: Option<&'static str>,
}
