#!/usr/bin/env bash
# Pictures of every page, so that a reviewer can look at all of them: light and dark, 1280 and 390
# pixels wide, of a store with nothing in it, with one run, and with the sample year.
#
#   src/tests/browser/screenshots.sh OUT [KVMARK]
#
# KVMARK is the program (default: target/release/kvmark, else target/debug/kvmark, built if neither is
# there). Needs the Python environment that ./test.sh installs (.venv, or PAGES_PYTHON) and Chromium.
# OUT/index.html shows them all.
set -euo pipefail
out=${1:?usage: screenshots.sh OUT [KVMARK]}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
kvmark=${2:-}
for candidate in "$root/target/release/kvmark" "$root/target/debug/kvmark"; do
    [ -n "$kvmark" ] || { [ -x "$candidate" ] && kvmark=$candidate; } || true
done
if [ -z "$kvmark" ]; then
    (cd "$root" && cargo build)
    kvmark=$root/target/debug/kvmark
fi
python=${PAGES_PYTHON:-$root/.venv/bin/python}
"$python" -c 'import playwright' || {
    echo "screenshots: $python has no playwright; ./test.sh installs it into .venv" >&2
    exit 2
}

stores=$(mktemp -d)
servers=()
stop() {
    for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done
    rm -rf "$stores"
}
trap stop EXIT

# Serves a store on a free port; prints the address.
serve() {
    local log=$stores/$1.log
    shift
    "$kvmark" serve --bind 127.0.0.1:0 "$@" >"$log" 2>&1 &
    servers+=("$!")
    for _ in $(seq 100); do
        address=$(sed -n 's/^kvmark listens on //p' "$log")
        [ -z "$address" ] || return 0
        sleep 0.1
    done
    echo "screenshots: the server did not start: $(cat "$log")" >&2
    exit 1
}

echo "filling the sample store; this program measures for a moment, too"
"$kvmark" demo --tiny --no-wait --port 0 --database "$stores/sample.db" >"$stores/demo.log" 2>&1 || {
    cat "$stores/demo.log" >&2
    exit 1
}
serve sample --database "$stores/sample.db"
sample=$address
serve empty --database "$stores/empty.db"
empty=$address
serve one --database "$stores/one.db" --open-uploads
one=$address
"$python" "$here/screenshots.py" "$out" "$empty" "$one" "$sample"
