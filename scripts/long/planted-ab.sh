#!/usr/bin/env bash
# A planted slowdown of 5% in one operation is found by `ab` within two minutes of measuring, and an
# unchanged pair is not flagged in 20 of 20. Both operations that can be planted are tried. Needs a
# machine that does nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --quiet --locked --profile measure -p bench-runner --bin bench-runner
runner=${CARGO_TARGET_DIR:-target}/measure/bench-runner

# side BENCH [PLANT]: the words of one side.
side() {
    words=("$runner" run --bench "^$1\$" --cpu 1 --count 1 --benchtime 300ms --warmup 100ms --text -)
    [ $# -lt 2 ] || words+=(--plant "$2")
}

# pair BENCH [PLANT]: plain against plain, or against planted; its exit code is ab's.
pair() {
    local plain=()
    side "$1"
    plain=("${words[@]}")
    side "$@"
    "$runner" ab --only ' latency_mean' --threshold 0.025 --time 2m --rounds 200 --seed "$RANDOM" \
        -- "${plain[@]}" --- "${words[@]}" 2>/dev/null
}

failed=0
for planted in 'KVEventRoutingDecision cpu=1:lookup=5%' 'KVEventProcessingLatency cpu=1:apply=5%'; do
    start=$SECONDS code=0
    pair "${planted%%:*}" "${planted##*:}" || code=$?
    echo "planted ${planted##*:} in ${planted%%:*}: exit $code after $((SECONDS - start)) s (1 is found)"
    [ $code -eq 1 ] || failed=1
done

flagged=0
for round in $(seq 20); do
    code=0
    pair 'KVEventRoutingDecision cpu=1' || code=$?
    [ $code -ne 1 ] || flagged=$((flagged + 1))
    [ $code -le 3 ] || { echo "round $round ended with exit $code" && failed=1; }
done
echo "unchanged pairs flagged: $flagged of 20"
[ $flagged -eq 0 ] && [ $failed -eq 0 ]
