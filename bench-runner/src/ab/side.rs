//! What a side runs, and how its figures are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bench_report::metric::{Direction, Kind, SeriesName};
use bench_report::read::{Format, Origin, ReadError, read};
use bench_report::report::{Refusals, Report, Status};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::build::hex;
use crate::environment::clean_command;
use crate::interrupt::{self, Stopped};

/// One side.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// What people call it: a revision, a command.
    pub name: String,
    /// What it runs.
    pub program: Program,
    /// A slowdown that is planted in what it prints, as a fraction: times are read longer and rates
    /// lower by it. Only a canary has one.
    pub slowed: Option<f64>,
}

/// What a side runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A bench-runner, with the options of `run`.
    Runner {
        /// The program.
        path: PathBuf,
        /// Its options, `--bench`, `--benchtime` and the like.
        options: Vec<String>,
    },
    /// Any command that prints Go benchmark text.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// Where it runs; here, where not given.
        folder: Option<PathBuf>,
    },
}

/// One series' samples of one turn of a side.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Its unit, as the report has it.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// What sort of quantity.
    pub kind: Kind,
    /// The least amount that matters.
    pub floor: Option<f64>,
    /// The samples.
    pub samples: Vec<f64>,
}

/// What one turn of a side gave.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its figures.
    pub figures: BTreeMap<SeriesName, Figures>,
    /// The report that they come from, or the first of several: what says which program, machine
    /// and options.
    pub report: Option<Report>,
}

/// Why a side gave no figures.
#[derive(Debug, Error)]
pub enum SideError {
    /// It cannot be started.
    #[error("cannot run {program}: {source}")]
    Start {
        /// What.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It failed.
    #[error("{program} ended with {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Failed {
        /// What.
        program: String,
        /// How.
        status: String,
        /// The end of what it said.
        said: String,
    },
    /// Its report cannot be read.
    #[error("{program} wrote a report that does not read: {source}")]
    Report {
        /// What.
        program: String,
        /// Why.
        source: Box<Refusals>,
    },
    /// Its text cannot be read.
    #[error("{program} printed no Go benchmark text: {source}")]
    Text {
        /// What.
        program: String,
        /// Why.
        source: Box<ReadError>,
    },
    /// It measured nothing.
    #[error("{program} measured nothing")]
    Nothing {
        /// What.
        program: String,
    },
    /// Somebody stopped it.
    #[error("{0}")]
    Stopped(#[source] Stopped),
}

impl Side {
    /// The fingerprint of what it runs: sides with one fingerprint differ only by noise. Of a command
    /// it is its words and where it runs.
    pub fn fingerprint(&self) -> Option<String> {
        if self.slowed.is_some() {
            return None;
        }
        match &self.program {
            Program::Runner { path, .. } => file_sha256(path),
            Program::Command { words, folder } => {
                let text = format!("{words:?} in {folder:?}");
                Some(hex(&Sha256::digest(text)))
            }
        }
    }

    /// Takes one turn. The environment of what is run holds no secrets.
    pub fn turn(&self) -> Result<Turn, SideError> {
        let mut folder = None;
        let (program, arguments) = match &self.program {
            Program::Runner { path, options } => {
                let mut arguments = vec!["run".to_owned(), "--json".to_owned()];
                arguments.extend(["--count".to_owned(), "1".to_owned()]);
                arguments.extend(options.iter().cloned());
                (path.display().to_string(), arguments)
            }
            Program::Command {
                words,
                folder: place,
            } => match words.split_first() {
                Some((program, arguments)) => {
                    folder = place.as_deref();
                    (program.clone(), arguments.to_vec())
                }
                None => {
                    return Err(SideError::Nothing {
                        program: self.name.clone(),
                    });
                }
            },
        };
        let mut command = clean_command(&program);
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let output = interrupt::output(command.args(arguments));
        // What was stopped within its turn gave half of one.
        interrupt::check().map_err(SideError::Stopped)?;
        let output = output.map_err(|source| SideError::Start {
            program: self.name.clone(),
            source,
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(SideError::Failed {
                program: self.name.clone(),
                status: output.status.to_string(),
                said: said.lines().last().unwrap_or_default().to_owned(),
            });
        }
        let reports = self.reports(&output.stdout)?;
        let mut figures = figures(&reports);
        if let Some(slowed) = self.slowed {
            plant(&mut figures, 1.0 + slowed);
        }
        if figures.is_empty() {
            return Err(SideError::Nothing {
                program: self.name.clone(),
            });
        }
        Ok(Turn {
            figures,
            report: reports.into_iter().next(),
        })
    }

    fn reports(&self, output: &[u8]) -> Result<Vec<Report>, SideError> {
        let (program, now) = (self.name.clone(), Timestamp::now());
        match &self.program {
            Program::Runner { .. } => Report::parse(output, now)
                .map(|report| vec![report])
                .map_err(|source| SideError::Report {
                    program,
                    source: Box::new(source),
                }),
            Program::Command { .. } => {
                read(Format::Go, output, &Origin::unknown(now)).map_err(|source| SideError::Text {
                    program,
                    source: Box::new(source),
                })
            }
        }
    }
}

/// Makes times longer and rates lower by a factor.
fn plant(figures: &mut BTreeMap<SeriesName, Figures>, factor: f64) {
    for figures in figures.values_mut() {
        let factor = match figures.kind {
            Kind::Time => factor,
            Kind::Rate => 1.0 / factor,
            Kind::Count | Kind::Bytes | Kind::Ratio => 1.0,
        };
        figures
            .samples
            .iter_mut()
            .for_each(|sample| *sample *= factor);
    }
}

fn figures(reports: &[Report]) -> BTreeMap<SeriesName, Figures> {
    let mut turn = BTreeMap::new();
    let benchmarks = reports.iter().flat_map(|report| &report.benchmarks);
    for benchmark in benchmarks.filter(|benchmark| benchmark.status == Status::Ok) {
        for metric in benchmark
            .metrics
            .iter()
            .filter(|metric| !metric.samples.is_empty())
        {
            let name = SeriesName {
                benchmark: benchmark.name.clone(),
                metric: metric.name.clone(),
                params: benchmark.params.clone(),
            };
            let figures = turn.entry(name).or_insert_with(|| Figures {
                unit: metric.unit.clone(),
                better: metric.better,
                kind: metric.kind,
                floor: metric.floor,
                samples: Vec::new(),
            });
            figures.samples.extend(&metric.samples);
        }
    }
    turn
}

/// SHA-256 of a file, lower-case hex.
fn file_sha256(path: &Path) -> Option<String> {
    Some(hex(&Sha256::digest(std::fs::read(path).ok()?)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Side {
        let program = Program::Command {
            words: words.iter().map(ToString::to_string).collect(),
            folder: None,
        };
        Side {
            name: "it".to_owned(),
            program,
            slowed: None,
        }
    }

    #[test]
    fn one_command_in_one_place_is_the_same_program_and_a_planted_one_is_not() {
        let one = command(&["true", "a b"]);
        assert!(one.fingerprint().is_some());
        assert_eq!(one.fingerprint(), command(&["true", "a b"]).fingerprint());
        assert_ne!(
            one.fingerprint(),
            command(&["true", "a", "b"]).fingerprint()
        );
        let mut planted = one.clone();
        planted.slowed = Some(0.1);
        assert_ne!(one.fingerprint(), planted.fingerprint());
    }

    #[test]
    fn a_command_is_read_as_go_text() {
        let text = "BenchmarkA-2 100 50 ns/op\nBenchmarkA-2 100 60 ns/op\n";
        let turn = command(&["printf", "%s", text]).turn().unwrap();
        let (name, figures) = turn.figures.iter().next().unwrap();
        assert_eq!((turn.figures.len(), name.benchmark.as_str()), (1, "A"));
        assert_eq!(figures.samples, [50.0, 60.0]);
    }

    #[test]
    fn what_is_planted_in_figures_makes_times_longer_and_rates_lower() {
        let text = "BenchmarkA 100 50 ns/op 200 events/s 3 allocs/op\n";
        let mut side = command(&["printf", "%s", text]);
        side.slowed = Some(0.25);
        let samples: Vec<f64> = side
            .turn()
            .unwrap()
            .figures
            .values()
            .map(|f| f.samples[0])
            .collect();
        let mut sorted = samples;
        sorted.sort_by(f64::total_cmp);
        assert_eq!(sorted, [3.0, 62.5, 160.0]);
    }

    #[test]
    fn what_fails_says_how() {
        let error = command(&["sh", "-c", "echo bad luck >&2; exit 3"])
            .turn()
            .unwrap_err();
        assert_eq!(error.to_string(), "it ended with exit status: 3: bad luck");
        assert!(command(&["/no/such/program"]).turn().is_err());
        assert!(command(&["true"]).turn().is_err());
    }

    #[test]
    fn a_side_sees_no_secrets() {
        // Only names are looked at: a value may well be the name of this test.
        let text = "env | cut -d= -f1 | grep -ciE '^(KVMARK_|GITHUB_)|TOKEN|SECRET' >&2; exit 1";
        let error = command(&["sh", "-c", text]).turn().unwrap_err();
        assert!(error.to_string().ends_with(": 0"), "{error}");
    }
}
