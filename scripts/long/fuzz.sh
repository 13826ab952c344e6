#!/usr/bin/env bash
# Fuzzes the decoder and the index, each for ten minutes (KV_FUZZ_SECONDS: another number), from seeds
# that the encoder writes. Ends with the number of executions; fails where one finds anything.
# Needs the nightly toolchain; installs cargo-fuzz if there is none.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${KV_FUZZ_SECONDS:-600}

cargo +nightly --version >/dev/null 2>&1 || {
    echo "fuzz.sh: the fuzzer needs the nightly toolchain: rustup toolchain install nightly" >&2
    exit 1
}
cargo fuzz --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-fuzz

seeds=$(mktemp -d)
log=$(mktemp)
trap 'rm -rf "$seeds" "$log"' EXIT
cargo run --quiet --locked -p kv-indexer --example fuzz_seeds -- "$seeds"

cd bench-runner/indexer
for target in decoder index; do
    mkdir -p "fuzz/corpus/$target"
    echo "== $target, $seconds s"
    # Findings are kept in fuzz/artifacts, with how to run each again.
    cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "$seeds/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        >"$log" 2>&1 || {
        tail -n 60 "$log"
        exit 1
    }
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)|cov:' "$log" | tail -n 4
done
