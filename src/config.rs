//! One configuration: command line and environment, one line of help a field.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::domain::github::{GithubApi, GithubPages, GithubRepository, GithubToken};
use crate::domain::{RunKind, Scope};

/// What stands at the end of the help.
const EXAMPLES: &str = "\
Examples:
  kvmark demo                             a year of sample data, and this machine measured for real
  kvmark serve --database kvmark.db       the dashboard, on http://127.0.0.1:8080
  kvmark token create --scope upload --note nightly
  kvmark backup copy.db                   while the server runs
  kvmark export-site public               the pages as files that open without a server

The results come from bench-runner: see bench-runner --help.

Exit codes:
  0  done
  1  it failed, or verify or rebuild --check found something wrong
  2  wrong usage";

/// Keeps the performance history of a KV-cache event indexer, and says honestly whether it got
/// slower.
#[derive(Debug, Parser)]
#[command(
    name = "kvmark",
    version,
    about,
    propagate_version = true,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// What to do; `serve` where nothing is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How.
    #[command(flatten)]
    pub config: Config,
}

impl Cli {
    /// Reads a command line, whose first word is the program's name.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        cli.config.github_token = std::env::var("GITHUB_TOKEN")
            .ok()
            .and_then(|token| GithubToken::new(&token));
        if let Some(Command::Demo(demo)) = &mut cli.command
            && let Some((_, own)) = matches.subcommand()
            && own.value_source("database") == Some(ValueSource::CommandLine)
        {
            demo.database = Some(cli.config.database.clone());
        }
        Ok(cli)
    }
}

/// What kvmark can be asked to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve the dashboard and the API (the default).
    Serve,
    /// Show the dashboard with a year of sample data, and measure this machine for real meanwhile.
    Demo(DemoArgs),
    /// Make, list and revoke access tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Write a whole copy of the store, while it is in use.
    Backup {
        /// A new file.
        file: PathBuf,
    },
    /// Put a backup in the place of the store; no server may be using it.
    Restore {
        /// What `backup` wrote.
        file: PathBuf,
    },
    /// Say what is wrong with a store or a backup: exit 1 if anything is.
    Verify {
        /// The file.
        file: PathBuf,
    },
    /// Make all that is derived again from the raw data.
    Rebuild {
        /// Only say what would change: exit 1 if anything would.
        #[arg(long)]
        check: bool,
    },
    /// Delete runs that are older than what is kept of their kind.
    Prune {
        /// How long to keep which kind, such as `nightly=3y,pull=30d`; other kinds are all kept.
        #[arg(long, value_delimiter = ',', required = true)]
        keep: Vec<Keep>,
        /// Only list what would go.
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the pages as files that open without a server, such as for GitHub Pages.
    ExportSite {
        /// A new folder, or one that was exported before: its files are replaced.
        folder: PathBuf,
        /// How many runs have a page of their own.
        #[arg(long, default_value_t = 100)]
        runs: usize,
    },
    /// Write one run, or one comparison, as one HTML file: to attach to a CI job or an issue.
    ExportRun {
        /// The run's number.
        run: i64,
        /// A new file.
        file: PathBuf,
        /// Compare it with this: a run's number, a commit or a branch.
        #[arg(long)]
        against: Option<String>,
    },
    /// Say of series that they are expected no more.
    Retire {
        /// A name such as `KVEventConcurrency * concurrency=500 *`.
        series: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// How long runs of a kind are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// The kind.
    pub kind: RunKind,
    /// Days.
    pub days: i64,
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let say = || format!("{text:?}: write a kind and a time, such as nightly=3y or pull=30d");
        let (kind, time) = text.split_once('=').ok_or_else(say)?;
        let unit = time.chars().last().ok_or_else(say)?;
        let days_each = match unit {
            'd' => 1,
            'w' => 7,
            'y' => 366,
            _ => return Err(say()),
        };
        let number: u32 = time
            .strip_suffix(unit)
            .unwrap_or("")
            .parse()
            .map_err(|_| say())?;
        Ok(Self {
            kind: run_kind(kind)?,
            days: i64::from(number) * days_each,
        })
    }
}

/// How the demo runs.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// End by itself after the upload.
    #[arg(long)]
    pub no_wait: bool,
    /// Port of the dashboard on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Measure as little as can be measured: for tests of the demo itself.
    #[arg(long, hide = true)]
    pub tiny: bool,
    /// The `--database` of the command line; a fresh file in the temporary folder where it is not
    /// given. What the environment names is no demo's business.
    #[arg(skip)]
    pub database: Option<PathBuf>,
}

/// What can be done with tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, once: only its hash is kept.
    Create {
        /// What it allows: upload, read, triage or admin.
        #[arg(long)]
        scope: Scope,
        /// Kinds of run that an upload token may send, comma-separated; all where not given.
        #[arg(long, value_delimiter = ',', value_parser = run_kind)]
        kinds: Option<Vec<RunKind>>,
        /// What it is for.
        #[arg(long)]
        note: Option<String>,
    },
    /// List all tokens ever made.
    List,
    /// Make a token worth nothing from now on.
    Revoke {
        /// Its number, as `list` shows it.
        id: i64,
    },
}

/// The heading of what only a server needs, in every command's help.
const SERVING: &str = "Options of a server";

/// What every command may be told.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address to listen on. Port 0 takes a free one and prints it.
    #[arg(
        long,
        env = "KVMARK_BIND",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        global = true,
        help_heading = SERVING
    )]
    pub bind: SocketAddr,
    /// The SQLite file; made where it is not there.
    #[arg(
        long,
        env = "KVMARK_DATABASE",
        value_name = "FILE",
        default_value = "kvmark.db",
        global = true
    )]
    pub database: PathBuf,
    /// The address under which people reach this server, such as `https://perf.example.org`.
    #[arg(
        long,
        env = "KVMARK_PUBLIC_URL",
        value_name = "URL",
        global = true,
        help_heading = SERVING,
        value_parser = public_url
    )]
    pub public_url: Option<String>,
    /// The branch whose nightly runs form baselines.
    #[arg(
        long,
        env = "KVMARK_MAIN_BRANCH",
        value_name = "BRANCH",
        default_value = "main",
        global = true
    )]
    pub main_branch: String,
    /// Reading needs a token, too.
    #[arg(long, env = "KVMARK_READ_TOKEN", global = true, help_heading = SERVING)]
    pub read_token: bool,
    /// Take uploads without a token: on a loopback address only, until the first token is made.
    #[arg(long, env = "KVMARK_OPEN_UPLOADS", global = true, help_heading = SERVING)]
    pub open_uploads: bool,
    /// The repository on GitHub that gets issues, comments and checks; `GITHUB_TOKEN` must be in
    /// the environment.
    #[arg(
        long,
        env = "KVMARK_GITHUB_REPOSITORY",
        value_name = "OWNER/NAME",
        global = true,
        help_heading = SERVING
    )]
    pub github_repository: Option<GithubRepository>,
    /// Where GitHub's API is; https, or http on a loopback address.
    #[arg(
        long,
        env = "GITHUB_API_URL",
        value_name = "URL",
        default_value = "https://api.github.com",
        global = true,
        help_heading = SERVING
    )]
    pub github_api_url: GithubApi,
    /// Of the environment only: what stands on a command line is seen by every user of the machine.
    #[arg(skip)]
    pub github_token: Option<GithubToken>,
}

impl Config {
    /// Host and port of the public address, as a `Host` header has them; without the scheme's own
    /// port.
    pub fn public_host(&self) -> Option<&str> {
        let url = self.public_url.as_deref()?;
        let (_, rest) = url.split_once("://")?;
        rest.split('/').next()
    }

    /// Where people read the repository, if this server speaks of one.
    pub fn github_pages(&self) -> Option<GithubPages> {
        let repository = self.github_repository.as_ref()?;
        Some(GithubPages::of(repository, &self.github_api_url))
    }

    /// Whether people reach this server by https.
    pub fn is_https(&self) -> bool {
        self.public_url
            .as_deref()
            .is_some_and(|u| u.starts_with("https://"))
    }
}

impl Default for Config {
    /// As without any argument, on a free port.
    fn default() -> Self {
        Self {
            bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            database: PathBuf::from("kvmark.db"),
            public_url: None,
            main_branch: "main".to_owned(),
            read_token: false,
            open_uploads: false,
            github_repository: None,
            github_api_url: GithubApi::default(),
            github_token: None,
        }
    }
}

fn run_kind(text: &str) -> Result<RunKind, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| "one of nightly, pull, manual, ab, aa, canary, import, sample".to_owned())
}

fn public_url(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match host.map(|h| h.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains(['?', '#', '@']) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("give scheme and host, such as https://perf.example.org".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_needs_no_command_and_options_stand_on_either_side() {
        let plain = Cli::try_parse_from(["kvmark", "--bind", "127.0.0.1:1"]).unwrap();
        assert!(plain.command.is_none());
        let named = Cli::try_parse_from(["kvmark", "serve", "--bind", "127.0.0.1:1"]).unwrap();
        assert_eq!(plain.config.bind, named.config.bind);
    }

    #[test]
    fn what_is_kept_is_a_kind_and_a_time() {
        let keep: Keep = "pull=30d".parse().unwrap();
        assert_eq!((keep.kind, keep.days), (RunKind::Pull, 30));
        let keep: Keep = "nightly=3y".parse().unwrap();
        assert_eq!(keep.days, 3 * 366);
        for bad in [
            "",
            "pull",
            "pull=",
            "pull=d",
            "pull=-1d",
            "pull=3",
            "weekly=3d",
            "pull=3µ",
        ] {
            assert!(bad.parse::<Keep>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_demo_keeps_its_store_only_where_the_command_line_names_one() {
        let database = |line: &str| {
            let cli = Cli::read(line.split(' ').map(OsString::from)).unwrap();
            let Some(Command::Demo(demo)) = cli.command else {
                panic!("{line} is no demo");
            };
            demo.database
        };
        assert_eq!(database("kvmark demo"), None);
        assert_eq!(
            database("kvmark demo --database a.db"),
            Some(PathBuf::from("a.db"))
        );
        assert_eq!(
            database("kvmark --database a.db demo"),
            Some(PathBuf::from("a.db"))
        );
    }

    #[test]
    fn public_urls_without_scheme_or_host_are_refused() {
        for bad in [
            "perf.example.org",
            "https://",
            "ftp://x",
            "https://a?b",
            "https://u@h",
        ] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
        let config = Config {
            public_url: Some(public_url("https://perf.example.org:8443/kv/").unwrap()),
            ..Config::default()
        };
        assert_eq!(config.public_host(), Some("perf.example.org:8443"));
        assert!(config.is_https());
    }
}
