//! Files that belong to a run.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::words::words;

use super::limits::ARTIFACT_BYTES;

/// A file that belongs to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Such as `cpu`.
    pub name: String,
    /// Decides how it is served.
    pub kind: ArtifactKind,
    /// The benchmark that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// Its bytes, base64.
    pub data_base64: String,
}

/// A file that cannot be taken out of a report.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArtifactError {
    /// Too long.
    #[error("it has {bytes} bytes and the limit is {ARTIFACT_BYTES}: thin it, or leave it out")]
    Size {
        /// Its length, without the encoding.
        bytes: usize,
    },
    /// Not base64.
    #[error("it is not base64 with padding: {0}")]
    Base64(#[from] base64::DecodeError),
}

impl Artifact {
    /// A file of these bytes.
    pub fn new(name: &str, kind: ArtifactKind, benchmark: Option<&str>, data: &[u8]) -> Artifact {
        Artifact {
            name: name.to_owned(),
            kind,
            benchmark: benchmark.map(str::to_owned),
            data_base64: STANDARD.encode(data),
        }
    }

    /// Its bytes; the limit is checked before anything is allocated.
    pub fn data(&self) -> Result<Vec<u8>, ArtifactError> {
        // Four characters hold three bytes; the padding may take up to two of them off.
        let bytes = self.data_base64.len() / 4 * 3;
        if bytes > ARTIFACT_BYTES + 2 {
            return Err(ArtifactError::Size { bytes });
        }
        let data = STANDARD.decode(&self.data_base64)?;
        if data.len() > ARTIFACT_BYTES {
            return Err(ArtifactError::Size { bytes: data.len() });
        }
        Ok(data)
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactKind {
    /// Folded stacks by processor time.
    CpuStacks,
    /// Folded stacks by allocated bytes.
    HeapStacks,
    /// Folded stacks by time waited.
    LockStacks,
    /// A Chrome trace.
    Trace,
    /// A pprof protobuf.
    Pprof,
    /// Plain text.
    Text,
}

words!(ArtifactKind {
    CpuStacks => "cpu-stacks",
    HeapStacks => "heap-stacks",
    LockStacks => "lock-stacks",
    Trace => "trace",
    Pprof => "pprof",
    Text => "text",
});
