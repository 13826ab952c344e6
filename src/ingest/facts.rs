//! What of a report is shown to people as label and value. What is not known is not listed.

use bench_report::metric::{Unit, format_value, params_text};
use bench_report::report::{Environment, Report};

type Facts = Vec<(String, String)>;

/// What identifies the machine, in the order of a page.
pub(super) fn environment(environment: &Environment) -> Facts {
    let on = |is: bool| if is { "on" } else { "off" }.to_owned();
    let mut facts = Facts::new();
    push(&mut facts, "CPU", environment.cpu_model.clone());
    push(
        &mut facts,
        "Logical CPUs",
        environment.cpu_count.map(|n| n.to_string()),
    );
    push(&mut facts, "SMT", environment.smt.map(on));
    push(&mut facts, "Memory", environment.memory_bytes.map(bytes));
    push(&mut facts, "OS", environment.os.clone());
    push(&mut facts, "Architecture", environment.arch.clone());
    push(&mut facts, "Kernel", environment.kernel.clone());
    push(&mut facts, "Governor", environment.governor.clone());
    push(&mut facts, "Turbo", environment.turbo.map(on));
    push(
        &mut facts,
        "Virtualization",
        environment.virtualization.clone(),
    );
    push(&mut facts, "Compiler", environment.compiler.clone());
    push(&mut facts, "Flags", environment.flags.clone());
    push(&mut facts, "Allocator", environment.allocator.clone());
    for (key, value) in &environment.other {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        push(&mut facts, key, Some(text));
    }
    facts
}

/// How the run was made.
pub(super) fn options(report: &Report) -> Facts {
    let options = &report.options;
    let mut facts = Facts::new();
    let runner = format!("{} {}", report.runner.name, report.runner.version);
    push(&mut facts, "Runner", Some(runner));
    push(&mut facts, "Benchtime", options.benchtime.clone());
    push(&mut facts, "Count", options.count.map(|n| n.to_string()));
    let cpu: Vec<String> = options.cpu.iter().map(u32::to_string).collect();
    push(
        &mut facts,
        "CPU counts",
        (!cpu.is_empty()).then(|| cpu.join(", ")),
    );
    push(&mut facts, "Warm-up", options.warmup.clone());
    push(&mut facts, "Seed", options.seed.map(|n| n.to_string()));
    push(&mut facts, "Planted", options.planted.clone());
    push(
        &mut facts,
        "Form",
        options.quick.then(|| "quick".to_owned()),
    );
    facts
}

/// The machine at that moment, and what disturbed which benchmark.
pub(super) fn conditions(report: &Report) -> Facts {
    let conditions = &report.conditions;
    let mut facts = Facts::new();
    push(&mut facts, "Host", conditions.hostname.clone());
    push(
        &mut facts,
        "Load, 1 min",
        conditions.load_1m.map(|v| format!("{v:.2}")),
    );
    push(
        &mut facts,
        "Steal",
        conditions.steal_percent.map(|v| format!("{v:.1}%")),
    );
    push(
        &mut facts,
        "Frequency",
        conditions.frequency_mhz.map(|v| format!("{v:.0} MHz")),
    );
    push(
        &mut facts,
        "Memory available",
        conditions.memory_available_bytes.map(bytes),
    );
    push(
        &mut facts,
        "Memory limit",
        conditions.memory_limit_bytes.map(bytes),
    );
    for benchmark in &report.benchmarks {
        if !benchmark.disturbed.is_empty() {
            let name = format!("{} {}", benchmark.name, params_text(&benchmark.params));
            let what = format!("{}: {}", name.trim_end(), benchmark.disturbed.join(", "));
            push(&mut facts, "Disturbed", Some(what));
        }
    }
    facts
}

fn push(facts: &mut Facts, label: &str, value: Option<String>) {
    facts.extend(value.map(|value| (label.to_owned(), value)));
}

fn bytes(bytes: u64) -> String {
    format_value(bytes as f64, Unit::Bytes).to_string()
}
