//! Which profiles are asked for.

use std::path::PathBuf;

use crate::profile::Wanted;

/// Profiles, each taken in a pass of its own after the measuring.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Profiles (each in a pass of its own, after the measuring)")]
pub(super) struct ProfileArgs {
    /// Where processor time goes: a flame graph (.svg), pprof (.pb, .pb.gz, .prof) or folded stacks
    /// (.folded); the functions that take most are listed
    #[arg(long, value_name = "FILE", conflicts_with = "exec")]
    cpuprofile: Option<PathBuf>,
    /// Where memory is allocated, bytes and allocations: same endings
    #[arg(long, value_name = "FILE", conflicts_with = "exec")]
    memprofile: Option<PathBuf>,
    /// Who waited for which lock: same endings
    #[arg(long, value_name = "FILE", conflicts_with = "exec")]
    lockprofile: Option<PathBuf>,
    /// What each thread did when: a trace for ui.perfetto.dev (.json)
    #[arg(long, value_name = "FILE", conflicts_with = "exec")]
    trace: Option<PathBuf>,
    /// Count the instructions of an operation: by the processor where it has counters, else by
    /// callgrind, else "not available"
    #[arg(long, conflicts_with_all = ["exec", "plant"])]
    pub(super) instructions: bool,
}

impl ProfileArgs {
    /// What is wanted.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            cpu: self.cpuprofile.clone(),
            heap: self.memprofile.clone(),
            locks: self.lockprofile.clone(),
            trace: self.trace.clone(),
        }
    }
}
