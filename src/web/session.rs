//! Logging in and out of a browser: the token is the login, a cookie holds it.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::auth::{COOKIE, Caller, Secret, is_same_origin};
use super::extract::Query;
use super::pages::{Place, Reader, Shell, html, links};
use super::{AppState, WebError};
use crate::domain::Token;

/// How long a browser keeps the cookie: 30 days.
const MAX_AGE: u32 = 30 * 24 * 60 * 60;

/// Where somebody came from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct From {
    to: String,
}

/// `GET /login`: the form; to somebody who is logged in, who he is.
pub async fn show(
    State(state): State<AppState>,
    Query(from): Query<From>,
    caller: Caller,
) -> Result<Html<String>, WebError> {
    page(&state, &caller, (&from.to, None)).await
}

/// What the form sends.
#[derive(Deserialize)]
pub struct Login {
    token: String,
    /// The page to go back to; empty: the first.
    #[serde(default)]
    to: String,
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
        let page = page(&state, &nobody, (&form.to, wrong)).await?;
        return Ok((axum::http::StatusCode::UNAUTHORIZED, page).into_response());
    }
    Ok(with_cookie(&state, secret.reveal(), MAX_AGE, own(&form.to)))
}

/// `POST /logout`: the browser forgets the token; it stays valid.
pub async fn logout(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    require_same_origin(&headers)?;
    Ok(with_cookie(&state, "", 0, "/"))
}

fn require_same_origin(headers: &HeaderMap) -> Result<(), WebError> {
    if is_same_origin(headers) {
        return Ok(());
    }
    Err(WebError::forbidden(
        "this form was sent from another site: open this server's page and send it there",
    ))
}

/// `to`, if it is a page of this server; else the first. Browsers read `\\` as `/`, and what begins
/// with two of them names another server.
fn own(to: &str) -> &str {
    let rest = to.strip_prefix('/');
    let is_own = rest.is_some_and(|rest| !rest.starts_with(['/', '\\']));
    let is_clean = to.bytes().all(|b| b.is_ascii_graphic());
    if is_own && is_clean { to } else { "/" }
}

/// To a page of ours, with the cookie. Scripts cannot read it, other sites cannot make a browser send
/// it, and under https it never travels in the clear.
fn with_cookie(state: &AppState, value: &str, max_age: u32, to: &str) -> Response {
    let secure = if state.config.is_https() {
        "; Secure"
    } else {
        ""
    };
    let cookie =
        format!("{COOKIE}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
    let mut response = Redirect::to(to).into_response();
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
    (to, wrong): (&str, Option<&'static str>),
) -> Result<Html<String>, WebError> {
    let reader = Reader {
        name: caller.token.as_ref().map(Token::name),
        login: links::login(own(to)),
    };
    html(&LoginPage {
        shell: Shell::of(state, reader, Place::Elsewhere).await?,
        who: caller
            .token
            .as_ref()
            .map(|token| format!("{}, scope {}", token.name(), token.scope)),
        to: own(to).to_owned(),
        wrong,
    })
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    shell: Shell,
    who: Option<String>,
    /// The page to go back to.
    to: String,
    wrong: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_back_to_pages_of_this_server_only() {
        for page in ["/", "/alerts/1", "/annotations?series=7&run=12"] {
            assert_eq!(own(page), page);
        }
        for other in [
            "",
            "alerts",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/a\r\nSet-Cookie: x=y",
        ] {
            assert_eq!(own(other), "/", "{other:?}");
        }
    }
}
