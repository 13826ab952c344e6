#!/bin/sh
# The whole dashboard as static pages, for GitHub Pages or any web server. Runs where the store is: it
# is copied first, so that the server may go on writing.
#
#   KVMARK_DATABASE=/var/lib/kvmark/kvmark.db deploy/ci/pages.sh FOLDER
set -eu
if [ $# -ne 1 ]; then
    echo "pages.sh: give the folder to write" >&2
    exit 2
fi
kvmark=${KVMARK:-kvmark}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$kvmark" backup "$work/kvmark.db"
"$kvmark" --database "$work/kvmark.db" export-site "$1"
