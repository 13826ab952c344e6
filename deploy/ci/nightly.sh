#!/bin/sh
# One night: measure, upload, confirm, ask the gate. For any timer or CI.
#
#   KVMARK_SERVER=https://perf.example.org KVMARK_TOKEN=… deploy/ci/nightly.sh [OPTIONS OF `bench-runner nightly`]
#
# The token: scope upload, kind nightly. Run it in the work tree that is measured. BENCH_RUNNER names
# the program, REPORT where the report is kept, KVMARK_SPOOL the folder in which reports wait while
# the server is away: it must outlive the job.
#
# Exit: the gate's. 0 fine, 1 regression, 3 inconclusive, 4 incomplete, 6 server away (the report
# waits in the spool and goes with the next night's).
set -u
runner=${BENCH_RUNNER:-bench-runner}
die() {
    echo "nightly.sh: $*" >&2
    exit 2
}
[ -n "${KVMARK_SERVER:-}" ] || die "set KVMARK_SERVER to the dashboard's address, such as https://perf.example.org"
[ -n "${KVMARK_TOKEN:-}" ] || die "set KVMARK_TOKEN to an upload token: kvmark token create --scope upload --kinds nightly"
: "${KVMARK_SPOOL:=$HOME/.local/state/kvmark/spool}"
export KVMARK_SPOOL
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT

# A pipe would hide the exit code, so what is shown is shown twice: once as it comes, once as a log.
{
    "$runner" nightly --out "${REPORT:-report.json}" "$@"
    echo $? >"$log.code"
} 2>&1 | tee "$log"
code=$(cat "$log.code")
rm -f "$log.code"

# A page of the job's own, where the CI has one. The verdict is the server's, word for word.
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    run=$(sed -n 's/^run \([0-9][0-9]*\)[ :].*/\1/p' "$log" | tail -n 1)
    if [ -n "$run" ]; then
        "$runner" gate --run "$run" --format markdown >>"$GITHUB_STEP_SUMMARY" || :
    else
        printf 'No run was stored (exit %s).\n' "$code" >>"$GITHUB_STEP_SUMMARY"
    fi
fi
exit "$code"
