#!/usr/bin/env bash
# The example on a real Slurm of two nodes, one of which is killed on the way: the same bytes as on one core of this machine.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
chmod 755 "$work"
cluster() { "$root/tests/slurm/cluster.sh" "$1" "$work/slurm"; }
trap 'cluster stop; rm -rf "$work"' EXIT
snakemake() { "$root/.venv/bin/snakemake" -s "$root/Snakefile" "$@"; }
digests() { (cd "$1/results" && find . -type f ! -path './logs/*' ! -path './benchmarks/*' | LC_ALL=C sort | xargs sha256sum); }

for place in local remote; do
    mkdir -p "$work/$place"
    cp -r "$root/examples/bcg/config.yaml" "$root/examples/bcg/data" "$work/$place"
done
snakemake -d "$work/local" --cores 1 > "$work/local.log" 2>&1 || { tail -n 30 "$work/local.log" >&2; exit 1; }

exported=$(cluster start)
eval "$exported"
remote() {
    snakemake -d "$work/remote" --profile "$root/workflow/profiles/slurm" --slurm-no-account \
        --slurm-status-command squeue --slurm-init-seconds-before-status-checks 2 --seconds-between-status-checks 2 \
        --default-resources mem_mb=500 runtime=5 slurm_partition=main --latency-wait 5 --retries 2
}
remote > "$work/remote.log" 2>&1 &
run=$!
# As soon as a job is running, its node dies, with the job's processes.
for _ in $(seq 240); do
    node=$(squeue -h -t R -o %N | head -n 1)
    [ -n "$node" ] && break
    sleep 0.25
done
[ -n "${node:-}" ] || { tail -n 30 "$work/remote.log" >&2; echo 'no job ever ran on the cluster' >&2; exit 1; }
pkill -9 -f "slurmstepd.*" || true
kill -9 "$(cat "$work/slurm/slurmd.$node.pid")"
echo "killed node $node while it had a job"
wait $run || true
# Whatever was lost is made again, and nothing else.
remote > "$work/again.log" 2>&1 || { tail -n 40 "$work/again.log" >&2; exit 1; }
digests "$work/local" > "$work/local.sums"
digests "$work/remote" | diff "$work/local.sums" - || { echo 'the cluster gives other bytes' >&2; exit 1; }
echo 'slurm: the same bytes after a node was killed'
