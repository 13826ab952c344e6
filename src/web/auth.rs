//! Who is calling.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

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
