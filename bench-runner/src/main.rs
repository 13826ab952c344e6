//! bench-runner: runs the benchmark suite and reports what it measured.

use std::process::ExitCode;

use bench_runner::measure::alloc::CountingAllocator;

#[global_allocator]
static GLOBAL: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    bench_runner::main_with(std::env::args_os())
}
