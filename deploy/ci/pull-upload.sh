#!/bin/sh
# Sends what pull-request.sh measured. The reports come from a job that ran a stranger's code: they are
# taken for nothing but a pull request's, and only where the judged side is the commit that CI says it
# is. Run it from a checkout of the default branch, never of the pull request.
#
#   KVMARK_SERVER=… KVMARK_TOKEN=… deploy/ci/pull-upload.sh COMMIT [FOLDER]
#
# The token: scope upload, kind pull, and nothing else. COMMIT is the head commit as the CI knows it,
# not as the reports say. The server comments only where the pull request's head is that commit.
set -eu
die() {
    echo "pull-upload.sh: $*" >&2
    exit 2
}
if [ $# -lt 1 ]; then
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
commit=$1 folder=${2:-reports}
[ -n "${KVMARK_SERVER:-}" ] || die "set KVMARK_SERVER to the dashboard's address, such as https://perf.example.org"
[ -n "${KVMARK_TOKEN:-}" ] || die "set KVMARK_TOKEN to an upload token: kvmark token create --scope upload --kinds pull"
set -- "$folder"/*.json
[ -f "$1" ] || die "there is no report in $folder"
exec "${BENCH_RUNNER:-bench-runner}" upload --only-kind pull --only-commit "$commit" "$@"
