#!/bin/sh
# Accepts the levels of a release: what was measured at it is what slow change is measured against from
# now on.
#
#   KVMARK_SERVER=… KVMARK_TOKEN=… deploy/ci/release.sh TAG
#
# The token: scope triage.
set -eu
die() {
    echo "release.sh: $*" >&2
    exit 2
}
[ $# -eq 1 ] || die "give the tag of the release"
[ -n "${KVMARK_SERVER:-}" ] || die "set KVMARK_SERVER to the dashboard's address, such as https://perf.example.org"
[ -n "${KVMARK_TOKEN:-}" ] || die "set KVMARK_TOKEN to a triage token: kvmark token create --scope triage"
exec "${BENCH_RUNNER:-bench-runner}" accept --release "$1" --reason "release $1"
