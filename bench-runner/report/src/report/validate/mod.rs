//! Whether a report may be believed: every limit and refusal that its types do not already hold.

mod check;

use jiff::Timestamp;

use self::check::{Check, Step};
use super::limits::{
    ARTIFACTS, BENCHMARKS, COMMITS, CPUS, CURVES, DISTURBANCES, ENVIRONMENT_KEYS, HISTOGRAMS,
    METRICS, NAME_BYTES, PARAMS, POINTS, SAMPLES, TOUCHES,
};
use super::refusal::{Problem, Refusal, Refusals};
use super::{
    Benchmark, Conditions, Curve, Environment, Expected, FORMAT, Histogram, Metric, Pair, Params,
    Report, Revision, RunKind, Status,
};
use crate::metric::{Kind, Unit, params_text};

impl Report {
    /// Says everything that is wrong with the report, as it was known at `now`.
    pub fn validate(&self, now: Timestamp) -> Result<(), Refusals> {
        let mut check = Check::new(now);
        check.report(self);
        check.done()
    }

    /// What keeps a valid report out of a store, if anything: a history needs a commit and a branch.
    pub fn upload_refusal(&self) -> Option<Refusal> {
        let refusal = |pointer: &str, missing, remedy| {
            Some(Refusal {
                pointer: pointer.to_owned(),
                problem: Problem::NoPlace { missing, remedy },
            })
        };
        if self.revision.commit.is_none() {
            return refusal("/revision/commit", "commit", "--commit C");
        }
        if self.revision.branch.is_none() {
            return refusal("/revision/branch", "branch", "--branch B");
        }
        None
    }
}

impl<'a> Check<'a> {
    fn report(&mut self, report: &'a Report) {
        if report.format != FORMAT {
            self.refuse_at(
                "format",
                Problem::Format {
                    found: report.format.into(),
                },
            );
        }
        if report.run_key.is_nil() {
            self.refuse_at("run_key", Problem::NilKey);
        }
        self.within(Step::Key("suite"), |check| {
            check.name("name", "the suite's name", &report.suite.name);
            check.name("version", "the suite's version", &report.suite.version);
        });
        self.within(Step::Key("runner"), |check| {
            check.name("name", "the runner's name", &report.runner.name);
            check.name("version", "the runner's version", &report.runner.version);
            if let Some(hash) = &report.runner.binary_sha256 {
                check.hash(
                    "binary_sha256",
                    "the SHA-256 of the binary",
                    hash,
                    64..=64,
                    "64 lower-case hex digits",
                );
            }
        });
        self.within(Step::Key("options"), |check| {
            check.optional_name(
                "benchtime",
                "benchtime",
                report.options.benchtime.as_deref(),
            );
            check.optional_name("warmup", "warmup", report.options.warmup.as_deref());
            check.at_most("cpu", "core counts", report.options.cpu.len(), CPUS);
            check.planted(report);
        });
        self.within(Step::Key("revision"), |check| {
            check.revision(&report.revision);
        });
        self.within(Step::Key("environment"), |check| {
            check.environment(&report.environment);
        });
        self.within(Step::Key("conditions"), |check| {
            check.conditions(&report.conditions);
        });
        self.not_ahead("started_at", report.started_at);
        self.not_ahead("finished_at", report.finished_at);
        if report.finished_at < report.started_at {
            let problem = Problem::Backwards {
                started: report.started_at,
                finished: report.finished_at,
            };
            self.refuse_at("finished_at", problem);
        }
        self.at_most(
            "expected",
            "expected benchmarks",
            report.expected.len(),
            BENCHMARKS,
        );
        self.each("expected", &report.expected, Check::expected);
        self.once(
            "expected",
            "the expected benchmark",
            &report.expected,
            |it| (&it.name, &it.params),
            |it| benchmark_text(&it.name, &it.params),
        );
        self.at_most(
            "benchmarks",
            "benchmarks",
            report.benchmarks.len(),
            BENCHMARKS,
        );
        self.each("benchmarks", &report.benchmarks, Check::benchmark);
        self.once(
            "benchmarks",
            "the benchmark",
            &report.benchmarks,
            |it| (&it.name, &it.params),
            |it| benchmark_text(&it.name, &it.params),
        );
        self.pair(report);
        self.at_most("artifacts", "artifacts", report.artifacts.len(), ARTIFACTS);
        self.each("artifacts", &report.artifacts, |check, artifact| {
            check.name("name", "the artifact's name", &artifact.name);
            check.optional_name(
                "benchmark",
                "the benchmark's name",
                artifact.benchmark.as_deref(),
            );
            if let Err(error) = artifact.data() {
                check.refuse_at("data_base64", error.into());
            }
        });
    }

    fn planted(&mut self, report: &'a Report) {
        let Some(planted) = &report.options.planted else {
            return;
        };
        self.name("planted", "what was planted", planted);
        let may = matches!(
            report.kind,
            RunKind::Canary | RunKind::Ab | RunKind::Aa | RunKind::Manual
        );
        if !may {
            self.refuse_at(
                "planted",
                Problem::Planted {
                    planted: planted.chars().take(40).collect(),
                    kind: report.kind,
                },
            );
        }
    }

    fn revision(&mut self, revision: &'a Revision) {
        self.optional_name(
            "repository",
            "the repository",
            revision.repository.as_deref(),
        );
        for (key, commit) in [
            ("commit", &revision.commit),
            ("parent", &revision.parent),
            ("base_commit", &revision.base_commit),
        ] {
            if let Some(commit) = commit {
                self.commit(key, commit);
            }
        }
        self.optional_name("branch", "the branch", revision.branch.as_deref());
        self.optional_name("tag", "the tag", revision.tag.as_deref());
        if let Some(time) = revision.committed_at {
            self.not_ahead("committed_at", time);
        }
        self.optional_text("subject", "the subject", revision.subject.as_deref());
        self.optional_text("author", "the author", revision.author.as_deref());
        self.at_most("commits", "commits", revision.commits.len(), COMMITS);
        self.each("commits", &revision.commits, |check, commit| {
            check.commit("commit", &commit.commit);
            check.text("subject", "the subject", &commit.subject);
            check.text("author", "the author", &commit.author);
            check.at_most("touches", "folders", commit.touches.len(), TOUCHES);
            check.each("touches", &commit.touches, |check, folder| {
                check.text_here("the folder", folder);
            });
        });
    }

    fn environment(&mut self, environment: &'a Environment) {
        let known = [
            ("os", &environment.os),
            ("arch", &environment.arch),
            ("kernel", &environment.kernel),
            ("cpu_model", &environment.cpu_model),
            ("governor", &environment.governor),
            ("virtualization", &environment.virtualization),
            ("compiler", &environment.compiler),
            ("flags", &environment.flags),
            ("allocator", &environment.allocator),
        ];
        self.optional_name(
            "name",
            "the environment's name",
            environment.name.as_deref(),
        );
        for (key, text) in known {
            self.optional_text(key, "the text", text.as_deref());
        }
        let count = environment.keys().len();
        if count > ENVIRONMENT_KEYS {
            self.refuse(Problem::Many {
                things: "keys",
                count,
                limit: ENVIRONMENT_KEYS,
            });
        }
        for (key, value) in &environment.other {
            self.name(key, "the key", key);
            if let Some(text) = value.as_str() {
                self.text(key, "the text", text);
            }
        }
    }

    fn conditions(&mut self, conditions: &'a Conditions) {
        self.optional_name("hostname", "the host name", conditions.hostname.as_deref());
        self.optional_finite("load_1m", "the load", conditions.load_1m);
        self.optional_finite("steal_percent", "the steal time", conditions.steal_percent);
        self.optional_finite("frequency_mhz", "the frequency", conditions.frequency_mhz);
    }

    fn expected(&mut self, expected: &'a Expected) {
        self.name("name", "the benchmark's name", &expected.name);
        self.params(&expected.params);
        self.at_most("metrics", "metrics", expected.metrics.len(), METRICS);
        self.each("metrics", &expected.metrics, |check, metric| {
            check.name_here("the metric's name", metric);
        });
        self.once(
            "metrics",
            "the metric",
            &expected.metrics,
            |metric| metric,
            Clone::clone,
        );
    }

    fn benchmark(&mut self, benchmark: &'a Benchmark) {
        self.name("name", "the benchmark's name", &benchmark.name);
        self.params(&benchmark.params);
        self.optional_text("error", "the error", benchmark.error.as_deref());
        let status = benchmark.status;
        if status == Status::Ok {
            if benchmark.metrics.is_empty() {
                let remedy = "call a benchmark that measured nothing failed or skipped";
                self.refuse_at(
                    "metrics",
                    Problem::Nothing {
                        things: "metrics",
                        remedy,
                    },
                );
            }
        } else {
            if benchmark
                .error
                .as_deref()
                .is_none_or(|error| error.trim().is_empty())
            {
                self.refuse_at("error", Problem::NoReason { status });
            }
            if !benchmark.metrics.is_empty() {
                self.refuse_at("metrics", Problem::HasMetrics { status });
            }
        }
        if let Some(conditions) = &benchmark.conditions {
            self.within(Step::Key("conditions"), |check| {
                check.conditions(conditions);
            });
        }
        self.at_most(
            "disturbed",
            "disturbances",
            benchmark.disturbed.len(),
            DISTURBANCES,
        );
        self.each("disturbed", &benchmark.disturbed, |check, text| {
            check.text_here("the disturbance", text);
        });
        self.at_most("metrics", "metrics", benchmark.metrics.len(), METRICS);
        self.each("metrics", &benchmark.metrics, Check::metric);
        self.once(
            "metrics",
            "the metric",
            &benchmark.metrics,
            |it| &it.name,
            |it| it.name.clone(),
        );
        self.at_most(
            "histograms",
            "histograms",
            benchmark.histograms.len(),
            HISTOGRAMS,
        );
        self.each("histograms", &benchmark.histograms, Check::histogram);
        self.once(
            "histograms",
            "the histogram",
            &benchmark.histograms,
            |it| &it.name,
            |it| it.name.clone(),
        );
        self.at_most("curves", "curves", benchmark.curves.len(), CURVES);
        self.each("curves", &benchmark.curves, Check::curve);
        self.once(
            "curves",
            "the curve",
            &benchmark.curves,
            |it| &it.name,
            |it| it.name.clone(),
        );
    }

    fn params(&mut self, params: &'a Params) {
        self.at_most("params", "params", params.len(), PARAMS);
        self.within(Step::Key("params"), |check| {
            for (key, value) in params {
                check.name(key, "the param's name", key);
                check.within(Step::Key(key), |check| {
                    check.short_text("the param's value", value, NAME_BYTES);
                });
            }
        });
    }

    fn metric(&mut self, metric: &'a Metric) {
        self.name("name", "the metric's name", &metric.name);
        let unit = self.unit("unit", &metric.unit);
        let is_time = metric.kind == Kind::Time || unit.is_some_and(Unit::is_time);
        if metric.samples.is_empty() {
            let remedy = "leave out a metric that was not measured";
            self.refuse_at(
                "samples",
                Problem::Nothing {
                    things: "samples",
                    remedy,
                },
            );
        }
        self.at_most("samples", "samples", metric.samples.len(), SAMPLES);
        self.within(Step::Key("samples"), |check| {
            for (index, sample) in metric.samples.iter().enumerate() {
                if !sample.is_finite() {
                    check.within(Step::Index(index), |check| {
                        check.finite("the sample", *sample);
                    });
                } else if is_time && *sample < 0.0 {
                    let problem = Problem::Negative {
                        thing: "the time",
                        value: *sample,
                    };
                    check.within(Step::Index(index), |check| check.refuse(problem));
                }
            }
        });
        self.optional_finite("floor", "the floor", metric.floor);
        if let Some(floor) = metric.floor.filter(|floor| *floor < 0.0) {
            self.refuse_at(
                "floor",
                Problem::Negative {
                    thing: "the floor",
                    value: floor,
                },
            );
        }
        if let Some(target) = metric.target {
            self.within(Step::Key("target"), |check| {
                check.optional_finite("value", "the target", Some(target.value));
            });
        }
    }

    fn histogram(&mut self, histogram: &'a Histogram) {
        self.name("name", "the histogram's name", &histogram.name);
        self.unit("unit", &histogram.unit);
        if let Err(error) = histogram.decode() {
            self.refuse_at("hdr_base64", error.into());
        }
    }

    fn curve(&mut self, curve: &'a Curve) {
        self.name("name", "the curve's name", &curve.name);
        self.unit("x", &curve.x);
        self.unit("y", &curve.y);
        self.at_most("points", "points", curve.points.len(), POINTS);
        let mut before = f64::NEG_INFINITY;
        self.each("points", &curve.points, |check, [x, y]| {
            check.finite("x", *x);
            check.finite("y", *y);
            if *x < before {
                check.refuse(Problem::Falling { x: *x, before });
            }
            before = *x;
        });
    }

    fn pair(&mut self, report: &'a Report) {
        let Some(Pair { rounds, .. }) = &report.pair else {
            if matches!(report.kind, RunKind::Ab | RunKind::Aa) {
                self.refuse_at("pair", Problem::NoPair { kind: report.kind });
            }
            return;
        };
        self.within(Step::Key("pair"), |check| {
            check.at_most("rounds", "rounds", rounds.len(), SAMPLES);
            if rounds.is_empty() {
                let remedy = "say in which round each sample was measured";
                check.refuse_at(
                    "rounds",
                    Problem::Nothing {
                        things: "rounds",
                        remedy,
                    },
                );
            }
        });
        self.each("benchmarks", &report.benchmarks, |check, benchmark| {
            check.each("metrics", &benchmark.metrics, |check, metric| {
                let (samples, rounds) = (metric.samples.len(), rounds.len());
                if metric.kind != Kind::Count && samples != rounds {
                    check.refuse_at("samples", Problem::Rounds { samples, rounds });
                }
            });
        });
    }
}

fn benchmark_text(name: &str, params: &Params) -> String {
    format!("{name} {}", params_text(params))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests;
