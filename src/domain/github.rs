//! Where on GitHub things are said, and by whose leave.

use std::fmt;
use std::str::FromStr;

/// A repository, `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubRepository(String);

/// The address of a GitHub REST API: https, or http on this machine only, so that a token never
/// crosses a network in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubApi(String);

/// A GitHub token, which no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct GithubToken(String);

impl GithubRepository {
    /// `owner/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GithubRepository {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |part: &str| {
            (1..=100).contains(&part.len())
                && part != "."
                && part != ".."
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        match text.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => Ok(Self(text.to_owned())),
            _ => Err(format!("{text:?} is no repository: give owner/name")),
        }
    }
}

impl GithubApi {
    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached by https.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

/// The pages of a repository, as people read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubPages(String);

impl GithubPages {
    /// The pages beside an API: GitHub's own, or a server's whose API is at its `/api/v3`.
    pub fn of(repository: &GithubRepository, api: &GithubApi) -> Self {
        let host = match api.as_str() {
            "https://api.github.com" => "https://github.com",
            other => other.strip_suffix("/api/v3").unwrap_or(other),
        };
        Self(format!("{host}/{}", repository.as_str()))
    }

    /// An issue's page.
    pub fn issue(&self, number: i64) -> String {
        format!("{}/issues/{number}", self.0)
    }

    /// A pull request's page.
    pub fn pull(&self, number: u64) -> String {
        format!("{}/pull/{number}", self.0)
    }

    /// A commit's page.
    pub fn commit(&self, hash: &str) -> String {
        format!("{}/commit/{hash}", self.0)
    }

    /// What lies between two commits.
    pub fn compare(&self, base: &str, head: &str) -> String {
        format!("{}/compare/{base}...{head}", self.0)
    }
}

impl Default for GithubApi {
    /// GitHub's own.
    fn default() -> Self {
        Self("https://api.github.com".to_owned())
    }
}

impl FromStr for GithubApi {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.trim().trim_end_matches('/');
        let refuse = || {
            format!(
                "{text:?} is no API address: give https://api.github.com or the like; \
                 http only on a loopback address"
            )
        };
        let (scheme, rest) = address.split_once("://").ok_or_else(refuse)?;
        let authority = rest.split('/').next().unwrap_or_default();
        let is_plain = rest
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"?#@\\".contains(&b));
        if authority.is_empty() || !is_plain {
            return Err(refuse());
        }
        match scheme {
            "https" => Ok(Self(address.to_owned())),
            "http" if is_loopback(authority) => Ok(Self(address.to_owned())),
            _ => Err(refuse()),
        }
    }
}

/// Whether a host, with or without a port, is this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl GithubToken {
    /// A token as it was given; empty is none.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The token itself, for the one header that carries it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GithubToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GithubToken(…)")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        for good in ["a/b", "vllm-project/aibrix", "o_1/n.git"] {
            assert_eq!(good.parse::<GithubRepository>().unwrap().as_str(), good);
        }
        for bad in [
            "", "a", "a/", "/b", "a/b/c", "a/..", "a b/c", "a/b?x", "ä/b",
        ] {
            assert!(bad.parse::<GithubRepository>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_never_crosses_a_network_in_the_clear() {
        for good in [
            "https://api.github.com",
            "https://ghe.example.org/api/v3/",
            "http://127.0.0.1:9000",
            "http://localhost:1/x",
            "http://[::1]:2",
        ] {
            let api = good.parse::<GithubApi>().unwrap();
            assert_eq!(api.as_str(), good.trim_end_matches('/'));
        }
        for bad in [
            "",
            "api.github.com",
            "ftp://x",
            "https://",
            "http://api.github.com",
            "http://127.0.0.1.example.org",
            "http://localhost.example.org",
            "http://127.0.0.1@example.org",
            "https://user@host",
            "https://a?b",
            "https://a b",
        ] {
            assert!(bad.parse::<GithubApi>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_log_shows_a_token() {
        let token = GithubToken::new(" ghs_secret ").unwrap();
        assert_eq!(token.reveal(), "ghs_secret");
        assert!(!format!("{token:?}").contains("secret"));
        assert_eq!(GithubToken::new(" "), None);
    }
}
