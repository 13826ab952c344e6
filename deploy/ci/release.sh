#!/bin/sh
# Accepts the levels of a release: what was measured at it is what slow change is measured against from
# now on.
#
#   KVMARK_SERVER=… KVMARK_TOKEN=… deploy/ci/release.sh TAG
#
# The token: scope triage.
set -eu
: "${1:?give the tag of the release}"
: "${KVMARK_SERVER:?give the address of the dashboard, such as https://perf.example.org}"
: "${KVMARK_TOKEN:?give a triage token: kvmark token create --scope triage}"
exec "${BENCH_RUNNER:-bench-runner}" accept --release "$1" --reason "release $1"
