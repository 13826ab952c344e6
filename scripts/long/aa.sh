#!/usr/bin/env bash
# The same program against itself, on every benchmark: on an idle machine 95% of the metrics stay within
# their own interval. Prints each metric's noise and the smallest change it could see.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec cargo run --quiet --locked --profile measure -p bench-runner -- aa --rounds 20
