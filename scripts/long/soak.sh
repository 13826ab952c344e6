#!/usr/bin/env bash
# Soaks the index for ten minutes (KV_SOAK: another time) and fails where memory grows.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec cargo run --quiet --locked --profile measure -p bench-runner -- run --soak "${KV_SOAK:-10m}"
