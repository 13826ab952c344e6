//! The numbers that name stored things: each its own type, so that none is taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A stored run, counted from 1; what `/runs/{id}` shows.
    RunId
);
id!(
    /// A stored series.
    SeriesId
);
id!(
    /// A stored environment.
    EnvironmentId
);
id!(
    /// A stored file of a run.
    ArtifactId
);
id!(
    /// An access token's record (never the token itself).
    TokenId
);
id!(
    /// A stored alert.
    AlertId
);
id!(
    /// A stored annotation.
    AnnotationId
);
