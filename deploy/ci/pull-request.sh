#!/bin/sh
# A pull request's commit against its merge base: both built, both measured on this machine, in turn.
# Needs no token and no server, and must get none: what is built and run here is a stranger's code.
#
#   deploy/ci/pull-request.sh BASE HEAD NUMBER [OPTIONS OF `bench-runner ab`]
#
# BASE is the branch that it goes to: its merge base with HEAD is what is measured. Both reports go to
# the folder REPORTS (reports), from where deploy/ci/pull-upload.sh sends them in a job that has a token.
#
# Exit: 0 nothing got slower, 1 something did, 3 the data cannot decide, 4 incomplete.
set -eu
if [ $# -lt 3 ]; then
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
base=$1 head=$2 pull=$3
shift 3
merge_base=$(git merge-base "$base" "$head") || {
    echo "pull-request.sh: $base and $head have no common commit here: fetch the whole history" >&2
    exit 2
}
head=$(git rev-parse --verify "$head^{commit}")
exec "${BENCH_RUNNER:-bench-runner}" ab --base "$merge_base" --head "$head" \
    --kind pull --pull "$pull" --out "${REPORTS:-reports}" "$@"
