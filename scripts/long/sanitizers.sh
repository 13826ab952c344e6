#!/usr/bin/env bash
# Runs the tests of the index and the decoder, whose readers look at memory that writers change, under
# AddressSanitizer; under ThreadSanitizer and Miri where the toolchain has what they need, and says so
# where it has not. KV_INDEXER_CASES: cases of each property test (default here: 32), since each takes
# many times as long. Needs the nightly toolchain. Fails where a tool finds anything.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=x86_64-unknown-linux-gnu
# Without the feed: sockets are what takes long to build, and have no unsafe code of ours.
tests=(-p kv-indexer --no-default-features --lib --test behaviour)
export KV_INDEXER_CASES=${KV_INDEXER_CASES:-32} CARGO_TARGET_DIR=target/sanitizers CARGO_INCREMENTAL=0

cargo +nightly --version >/dev/null 2>&1 || {
    echo "sanitizers.sh: sanitizers need the nightly toolchain: rustup toolchain install nightly" >&2
    exit 1
}

# summary: of a test run's output, the counts; all of it where the run failed.
summary() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ $status -eq 0 ]; then grep -E '^test result' "$log"; else cat "$log"; fi
    rm -f "$log"
    return $status
}

echo "== AddressSanitizer, with leaks"
RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS=detect_leaks=1 \
    summary cargo +nightly test --quiet --locked --target $target "${tests[@]}"

echo "== ThreadSanitizer"
# It must see the standard library's own synchronisation, so that has to be built with it.
if [ -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library" ]; then
    RUSTFLAGS="-Zsanitizer=thread" \
        summary cargo +nightly test --quiet --locked -Zbuild-std --target $target "${tests[@]}"
else
    echo "not run: the toolchain has no rust-src (rustup component add rust-src --toolchain nightly)"
fi

echo "== Miri"
if cargo +nightly miri --version >/dev/null 2>&1; then
    # What has no hundreds of cases: it interprets. The system's clock is outside its world.
    MIRIFLAGS=-Zmiri-disable-isolation \
        summary cargo +nightly miri test --quiet --locked -p kv-indexer --no-default-features \
        --test behaviour -- index:: threads::
else
    echo "not run: the toolchain has no miri (rustup component add miri --toolchain nightly)"
fi
