#!/usr/bin/env bash
# Compares our figures with criterion's of the same operations, in 12 rounds; fails where more than 2% is
# left of the harness. Wants an idle machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec cargo bench --quiet --locked --profile measure -p bench-runner --bench harness_cost -- 12
