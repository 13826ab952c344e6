//! What tells the environments of two runs apart: then nothing that they differ by is the code's.

use super::RunSide;

/// What differs, such as `Compiler is rustc 1.94 and rustc 1.95`; none where the runs compare.
pub(super) fn differences(base: &RunSide, head: &RunSide) -> Option<String> {
    let (old, new) = (&base.run.run, &head.run.run);
    let mut differ = Vec::new();
    if old.suite != new.suite {
        differ.push(format!("suite is {} and {}", old.suite, new.suite));
    } else if old.suite_version != new.suite_version {
        differ.push(format!(
            "{} is of version {} and {}",
            new.suite, old.suite_version, new.suite_version
        ));
    }
    if old.environment != new.environment {
        let facts = facts(base, head);
        if facts.is_empty() {
            differ.push(format!(
                "machine is {} ({}) and {} ({})",
                base.environment.name,
                short(&base.environment.fingerprint),
                head.environment.name,
                short(&head.environment.fingerprint)
            ));
        }
        differ.extend(facts);
    }
    (!differ.is_empty()).then(|| differ.join(", "))
}

/// The facts that both machines know and that tell them apart.
fn facts(base: &RunSide, head: &RunSide) -> Vec<String> {
    let of_head = |label: &str| {
        let facts = &head.environment.facts;
        facts.iter().find(|(l, _)| l == label).map(|(_, v)| v)
    };
    base.environment
        .facts
        .iter()
        .filter_map(|(label, own)| {
            let other = of_head(label).filter(|other| *other != own)?;
            Some(format!("{label} is {own} and {other}"))
        })
        .collect()
}

fn short(fingerprint: &str) -> &str {
    fingerprint.get(..15).unwrap_or(fingerprint)
}
