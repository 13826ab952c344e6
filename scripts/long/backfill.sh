#!/usr/bin/env bash
# A thousand nights of 200 series, ten samples each, get into a server's history by `upload --backfill`
# in under 60 seconds, with the verdicts that they would have had: `kvmark rebuild --check` makes each
# of them again from the raw reports and finds the same. Needs a machine that does nothing else.
#
#   scripts/long/backfill.sh [NIGHTS [BENCHMARKS [SECONDS]]]     two series a benchmark
set -euo pipefail
cd "$(dirname "$0")/../.."

nights=${1:-1000} benchmarks=${2:-100} limit=${3:-60}
cargo build --quiet --locked --release -p kvmark -p bench-runner --bin kvmark --bin bench-runner
programs=$PWD/${CARGO_TARGET_DIR:-target}/release
place=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || { kill "$server" && wait "$server" || true; }
    server=
}
trap 'stop; rm -rf "$place"' EXIT

# times: when each night was, oldest first.
times() {
    local last
    last=$(($(date +%s) - 86400))
    seq $((last - (nights - 1) * 86400)) 86400 "$last" | sed 's/^/@/' | date -u -f - +%FT%TZ
}

# Noise of 2% around a level for each series. Every 40th benchmark is 15% slower from the middle on,
# and every 40th other one for three weeks: alerts open and close on the way.
mkdir "$place/old"
times | awk -v folder="$place/old" -v benchmarks="$benchmarks" -v nights="$nights" '
    BEGIN { srand(7) }
    function metric(name, level,    i, text) {
        text = "{\"name\":\"" name "\",\"unit\":\"ns\",\"better\":\"lower\",\"kind\":\"time\",\"samples\":["
        for (i = 0; i < 10; i++)
            text = text (i ? "," : "") sprintf("%.3f", level * (0.98 + 0.04 * rand()))
        return text "]}"
    }
    {
        file = sprintf("%s/%06d.json", folder, NR)
        printf "{\"format\":1,\"run_key\":\"00000000-0000-4000-8000-%012d\",\"kind\":\"nightly\",", NR > file
        printf "\"suite\":{\"name\":\"kv-sync\",\"version\":\"1\"}," > file
        printf "\"runner\":{\"name\":\"bench-runner\",\"version\":\"0\"},\"options\":{\"count\":10}," > file
        printf "\"revision\":{\"commit\":\"%040x\",\"branch\":\"main\",\"dirty\":false},", 4096 + NR > file
        printf "\"environment\":{\"name\":\"backfill\",\"cpu_model\":\"model\",\"cpu_count\":2}," > file
        printf "\"started_at\":\"%s\",\"finished_at\":\"%s\",\"benchmarks\":[", $1, $1 > file
        for (b = 1; b <= benchmarks; b++) {
            level = 100 * b
            if (b % 40 == 7 && NR > nights / 2) level *= 1.15
            if (b % 40 == 9 && NR > nights / 3 && NR <= nights / 3 + 21) level *= 1.15
            printf "%s{\"name\":\"KVBackfill\",\"params\":{\"case\":\"%d\",\"cpu\":\"2\"},", (b > 1 ? "," : ""), b > file
            printf "\"status\":\"ok\",\"iterations\":1000,\"metrics\":[%s,%s]}", \
                metric("latency_p50", level), metric("latency_p99", 3 * level) > file
        }
        print "]}" > file
        close(file)
    }'

export KVMARK_SPOOL=$place/spool
KVMARK_TOKEN=$("$programs/kvmark" token create --scope upload --database "$place/kvmark.db")
export KVMARK_TOKEN
"$programs/kvmark" serve --bind 127.0.0.1:0 --database "$place/kvmark.db" >"$place/said" 2>"$place/log" &
server=$!
until grep -q 'http://' "$place/said"; do
    kill -0 "$server" || { cat "$place/log"; exit 1; }
done
KVMARK_SERVER=$(grep -o 'http://[^ ]*' "$place/said" | head -1)
export KVMARK_SERVER

before=$(date +%s%N)
"$programs/bench-runner" upload --backfill "$place/old"
milliseconds=$((($(date +%s%N) - before) / 1000000))
ticks=$(cut -d ' ' -f 14,15 "/proc/$server/stat" | tr ' ' '+')
echo "$nights nights of $((2 * benchmarks)) series in $milliseconds ms; the server's processors were busy for $((($ticks) * 1000 / $(getconf CLK_TCK))) ms"

kill "$server" && wait "$server"
server=
"$programs/kvmark" rebuild --check --database "$place/kvmark.db"
[ "$milliseconds" -lt $((limit * 1000)) ] || { echo "more than $limit s" && exit 1; }
