//! How revisions become something to run, shared by `ab`, `bisect` and `nightly`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::failure::{Failure, OrExit as _, usage};
use super::word::short;
use crate::ab::build::{BuildError, Builder, Built, Recipe, SUBJECT, default_cache};
use crate::output::{clear, passing, rough};

/// How a revision is built and run.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct BuildArgs {
    /// Instead of the suite, run this command in a work tree of each revision; it prints Go
    /// benchmark text
    #[arg(long, value_name = "CMD")]
    pub(super) exec: Option<String>,
    /// Run this command once in the work tree of each revision, before --exec
    #[arg(long, value_name = "CMD", requires = "exec")]
    pub(super) build: Option<String>,
    /// Where built programs are kept [default: kvmark/builds in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub(super) cache: Option<PathBuf>,
}

impl BuildArgs {
    /// Builds revisions of the repository at hand.
    pub(super) fn builder(&self) -> Result<Builder, Failure> {
        let cache = self.cache.clone().or_else(default_cache);
        let cache = cache.ok_or_else(|| usage("no folder for builds: give --cache"))?;
        let recipe = match &self.exec {
            Some(exec) => Recipe::Command {
                build: self.build.clone(),
                exec: exec.clone(),
            },
            None => Recipe::Runner,
        };
        let builder = Builder::new(Path::new("."), &cache, recipe).or_usage()?;
        Ok(builder.telling(show))
    }

    /// Builds a revision, and says how that went: the first time takes minutes.
    pub(super) fn build(builder: &Builder, revision: &str) -> Result<Built, BuildError> {
        // A whole hash is known by its beginning.
        let is_hash = revision.len() >= 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = if is_hash { short(revision) } else { revision };
        Self::built(name, || builder.build(revision))
    }

    /// The same of what is measured of a revision under the suite of another.
    pub(super) fn build_under(
        builder: &Builder,
        revision: &str,
        suite: &str,
    ) -> Result<Built, BuildError> {
        let what = format!("{SUBJECT} of {revision} under the suite of {suite}");
        Self::built(&what, || builder.build_under(revision, suite))
    }

    fn built(
        name: &str,
        build: impl FnOnce() -> Result<Built, BuildError>,
    ) -> Result<Built, BuildError> {
        eprintln!("building {name}");
        let start = Instant::now();
        let built = build();
        clear();
        let built = built?;
        let how = if built.cached {
            "from the cache".to_owned()
        } else {
            format!("built in {}", rough(start.elapsed()))
        };
        match short(&built.commit) {
            commit if commit == name => eprintln!("{name} is {how}"),
            commit => eprintln!("{name} is {commit}, {how}"),
        }
        Ok(built)
    }
}

/// What a build says.
fn show(line: &str) {
    passing(&format!("  {}", line.trim()));
}
