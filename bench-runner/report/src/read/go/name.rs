//! The names of Go benchmarks: `BenchmarkName/key=value/case-8`.

use crate::metric::unescaped;
use crate::report::Params;

/// The param of a sub-name without `=`.
const CASE: &str = "case";

/// The benchmark and the params of a name without its `Benchmark`. `-8` at the end becomes the param
/// `cpu`, `key=value` becomes a param, a sub-name without `=` becomes the param `case`; what would be
/// there twice is joined by `/`.
///
/// `is_escaped`: the name was written by [`crate::write::go`], which escapes what Go would not.
pub(in crate::read) fn split(name: &str, is_escaped: bool) -> (String, Params) {
    let plain = |text: &str| match unescaped(text) {
        Ok(text) if is_escaped => text,
        _ => text.to_owned(),
    };
    let mut params = Params::new();
    let (path, cpu) = match name.rsplit_once('-') {
        Some((path, cpu)) if is_cpu_count(cpu) && !path.is_empty() => (path, Some(cpu)),
        _ => (name, None),
    };
    let mut parts = path.split('/');
    let benchmark = plain(parts.next().unwrap_or_default());
    for part in parts {
        let (key, value) = match part.split_once('=') {
            Some((key, value)) if !key.is_empty() => (plain(key), plain(value)),
            _ => (CASE.to_owned(), plain(part)),
        };
        add(&mut params, key, &value);
    }
    if let Some(cpu) = cpu {
        add(&mut params, "cpu".to_owned(), cpu);
    }
    (benchmark, params)
}

/// Whether a text is what Go appends for `-cpu`: digits, not beginning with 0.
pub(crate) fn is_cpu_count(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0') && !text.is_empty()
}

fn add(params: &mut Params, key: String, value: &str) {
    params
        .entry(key)
        .and_modify(|known| {
            known.push('/');
            known.push_str(value);
        })
        .or_insert_with(|| value.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::params_text;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let (benchmark, params) = split(name, false);
        assert_eq!(
            format!("{benchmark} {}", params_text(&params)).trim_end(),
            expected
        );
    }

    #[test]
    fn sub_names_become_params_and_the_suffix_becomes_cpu() {
        check("KVEventThroughput", "KVEventThroughput");
        check("KVEventThroughput-2", "KVEventThroughput cpu=2");
        check(
            "KVEventConcurrency/concurrency=100-2",
            "KVEventConcurrency concurrency=100 cpu=2",
        );
        check("KVEventMemoryUsage/small", "KVEventMemoryUsage case=small");
        check("Name/a/k=1/b-16", "Name case=a/b cpu=16 k=1");
        check("Name/k=1/k=2", "Name k=1/2");
        check("Name/k=a=b", "Name k=a=b");
        check("Name/=b", "Name case==b");
        check("Name/cpu=4-8", "Name cpu=4/8");
        check("Name/size-large", "Name case=size-large");
        check("Name-08", "Name-08");
        check("Name/100%25", "Name case=100%2525");
        check("-8", "-8");
        check("", "");
    }

    #[test]
    fn names_that_we_wrote_are_unescaped() {
        let (benchmark, params) = split("group%2Ffunc/size%3D=10%2D8", true);
        assert_eq!(benchmark, "group/func");
        assert_eq!(
            params,
            Params::from([("size=".to_owned(), "10-8".to_owned())])
        );
    }
}
