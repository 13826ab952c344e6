//! Who is calling, and what that allows.

use std::fmt;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{AppState, WebError};
use crate::domain::{RunKind, Scope, Token};

/// The cookie that holds a browser's token.
pub const COOKIE: &str = "kvmark_token";

/// A token in the clear; shown once, then only its hash is known.
pub struct Secret(String);

/// The random source of the system failed.
#[derive(Debug, thiserror::Error)]
#[error("the system's random source failed: {0}")]
pub struct NoRandom(getrandom::Error);

impl Secret {
    /// 32 random bytes, written so that a leaked token is recognised.
    pub fn random() -> Result<Self, NoRandom> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(NoRandom)?;
        Ok(Self(format!("kvmark_{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// What the caller sent.
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// SHA-256: enough for a secret that nobody can guess.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The token itself, to print once or to set as a cookie.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who sent a request. A token that is unknown or revoked is no caller but a 401.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token that was shown, if any.
    pub token: Option<Token>,
}

impl Caller {
    /// The caller's token, if it allows `needed`.
    pub fn require(&self, needed: Scope) -> Result<&Token, WebError> {
        match &self.token {
            None => Err(WebError::unauthorized(format!(
                "this needs a token of scope {needed}: send it as `Authorization: Bearer …` \
                 (kvmark token create --scope {needed})"
            ))),
            Some(token) if !token.scope.allows(needed) => Err(WebError::forbidden(format!(
                "token {} has scope {}, and this needs {needed}",
                token.id, token.scope
            ))),
            Some(token) => Ok(token),
        }
    }

    /// Who it is, for the audit.
    pub fn name(&self) -> String {
        match &self.token {
            Some(token) => token.name(),
            None => "anybody".to_owned(),
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, WebError> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let caller = identify(&parts.headers, &parts.method, state).await?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

async fn identify(
    headers: &HeaderMap,
    method: &Method,
    state: &AppState,
) -> Result<Caller, WebError> {
    let Some((secret, by_cookie)) = shown(headers)? else {
        return Ok(Caller { token: None });
    };
    let known = state.store.find_token(&secret.hash()).await?;
    let Some(token) = known.filter(|t| t.revoked_at.is_none()) else {
        // A stale cookie must not lock a browser out of what needs no token.
        if by_cookie {
            return Ok(Caller { token: None });
        }
        return Err(WebError::unauthorized(
            "this token is unknown or revoked: make another (kvmark token create)",
        ));
    };
    if by_cookie && !method.is_safe() && !is_same_origin(headers) {
        return Err(WebError::forbidden(
            "this form was sent from another site: open this server's page and send it there",
        ));
    }
    Ok(Caller { token: Some(token) })
}

/// The token that a request shows, and whether a browser did it by itself.
fn shown(headers: &HeaderMap) -> Result<Option<(Secret, bool)>, WebError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or("");
        let (scheme, secret) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") || secret.trim().is_empty() {
            return Err(WebError::unauthorized(
                "the Authorization header holds no token: send `Authorization: Bearer TOKEN`",
            ));
        }
        return Ok(Some((Secret::given(secret.trim()), false)));
    }
    Ok(cookie(headers).map(|secret| (Secret::given(secret), true)))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// Whether a browser says that the request comes from a page of ours. Browsers send at least one of
/// the two headers with every form; what sends neither is no browser that could be tricked.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text("origin"), text("host")) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, o)| o.eq_ignore_ascii_case(host)),
        (Some(_), None) => false,
    }
}

/// Whether uploads are taken from anybody: asked for at the start, on a loopback address, and no
/// token has ever existed. Every page says so while it is so.
pub async fn uploads_are_open(state: &AppState) -> Result<bool, WebError> {
    Ok(state.config.open_uploads
        && state.config.bind.ip().is_loopback()
        && !state.store.any_token().await?)
}

/// Lets a caller send live progress or reports; of which kinds, says [`may_send`].
pub async fn require_upload(
    caller: &Caller,
    headers: &HeaderMap,
    state: &AppState,
) -> Result<(), WebError> {
    if caller.token.is_none() && uploads_are_open(state).await? {
        let forwarded = headers
            .keys()
            .any(|name| name == "forwarded" || name.as_str().starts_with("x-forwarded-"));
        if forwarded || !is_same_origin(headers) {
            return Err(WebError::unauthorized(
                "uploads without a token are taken from this machine only, not through a proxy or \
                 from another site: make a token (kvmark token create --scope upload)",
            ));
        }
        return Ok(());
    }
    caller.require(Scope::Upload)?;
    Ok(())
}

/// Whether the caller's token may send runs of `kind`.
pub fn may_send(caller: &Caller, kind: RunKind) -> Result<(), WebError> {
    match &caller.token {
        Some(token) if !token.may_send(kind) => Err(WebError::forbidden(format!(
            "token {} may not send runs of kind {kind}",
            token.id
        ))),
        _ => Ok(()),
    }
}

/// With `--read-token`, reading needs a token: programs get a 401, people the login page.
pub(super) async fn guard_reading(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if state.config.read_token && parts.method.is_safe() {
        let allowed = match Caller::from_request_parts(&mut parts, &state).await {
            Ok(caller) => caller.require(Scope::Read).map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(error) = allowed {
            let is_page = !parts.uri.path().starts_with("/api/");
            let wants_page = parts
                .headers
                .get(header::ACCEPT)
                .and_then(|v| v.to_str().ok())
                .is_some_and(|accept| accept.contains("text/html"));
            if is_page && wants_page {
                let to = parts.uri.path_and_query().map_or("/", |to| to.as_str());
                return Redirect::to(&super::pages::links::login(to)).into_response();
            }
            return error.into_response();
        }
    }
    next.run(Request::from_parts(parts, body)).await
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_pages_of_ours_are_of_the_same_origin() {
        let host = ("host", "127.0.0.1:8080");
        for yes in [
            vec![host],
            vec![host, ("origin", "http://127.0.0.1:8080")],
            vec![host, ("sec-fetch-site", "same-origin"), ("origin", "null")],
            vec![host, ("sec-fetch-site", "none")],
        ] {
            assert!(is_same_origin(&headers(&yes)), "{yes:?}");
        }
        for no in [
            vec![host, ("origin", "null")],
            vec![host, ("origin", "http://127.0.0.1:8081")],
            vec![host, ("origin", "https://evil.example")],
            vec![host, ("sec-fetch-site", "cross-site")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![("origin", "http://127.0.0.1:8080")],
        ] {
            assert!(!is_same_origin(&headers(&no)), "{no:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let given = headers(&[("cookie", "a=b; kvmark_token=x_y-z; c=d")]);
        assert_eq!(cookie(&given), Some("x_y-z"));
        assert_eq!(cookie(&headers(&[("cookie", "kvmark_tokens=1")])), None);
    }

    #[test]
    fn tokens_do_not_show_in_debug_output() {
        let secret = Secret::random().unwrap();
        assert!(secret.reveal().len() > 40);
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }
}
