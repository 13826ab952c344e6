//! URLs of pages. Names are data: every segment and value is percent-encoded.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::domain::{AnnotationId, EnvironmentId, RunId, Series};

/// What a path segment or a query value may not hold as it is. `/` is encoded, too: names may hold
/// it, and a segment ends there.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'+')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A path segment or query value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNSAFE).to_string()
}

/// The page of a benchmark.
pub fn benchmark(name: &str) -> String {
    format!("/benchmarks/{}", encode(name))
}

/// The page of a benchmark, at one of its series.
pub fn series(series: &Series) -> String {
    let key = &series.key;
    let mut url = benchmark(&key.benchmark);
    let _ = write!(url, "?metric={}", encode(&key.metric));
    for (name, value) in &key.params {
        let _ = write!(url, "&param.{}={}", encode(name), encode(value));
    }
    let _ = write!(url, "&environment={}", key.environment);
    url
}

/// The page of a run.
pub fn run(id: RunId) -> String {
    format!("/runs/{id}")
}

/// A run's rows of one benchmark.
pub fn run_rows(id: RunId, benchmark: &str) -> String {
    format!("{}?benchmark={}#measurements", run(id), encode(benchmark))
}

/// The page of a machine.
pub fn environment(id: EnvironmentId) -> String {
    format!("/environments/{id}")
}

/// The page that compares two sides: a run's number, a commit or a branch each.
pub fn compare(base: &str, head: &str) -> String {
    format!("/compare/{}...{}", encode(base), encode(head))
}

/// A comparison of two runs as one file.
pub fn file_of_comparison(base: RunId, head: RunId) -> String {
    format!("/files{}", compare(&base.to_string(), &head.to_string()))
}

/// The page of a pull request.
pub fn pull(number: u64) -> String {
    format!("/pulls/{number}")
}

/// A profile of a run as a flame graph.
pub fn profile(id: RunId, ordinal: u32) -> String {
    format!("/runs/{id}/profile/{ordinal}")
}

/// The page of an annotation.
pub fn annotation(id: AnnotationId) -> String {
    format!("/annotations/{id}")
}

/// The page that logs somebody in and leads back to `to`.
pub fn login(to: &str) -> String {
    format!("/login?to={}", encode(to))
}

/// A file of a run.
pub fn artifact(id: RunId, ordinal: u32) -> String {
    format!("/runs/{id}/artifacts/{ordinal}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_slash_stays_one_segment() {
        assert_eq!(
            benchmark("a/b c?d=<e>"),
            "/benchmarks/a%2Fb%20c%3Fd%3D%3Ce%3E"
        );
        assert_eq!(benchmark("µs"), "/benchmarks/%C2%B5s");
    }
}
