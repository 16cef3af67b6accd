#!/usr/bin/env bash
# The example with a multiverse on a real Slurm of two nodes, one of which is killed while it fits: the same bytes as on
# one core of this machine, and nothing that was finished is computed again.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
LONGEST=480
work=$(mktemp -d)
chmod 755 "$work"
cluster() { "$root/tests/slurm/cluster.sh" "$1" "$work/slurm"; }
trap 'cluster stop; rm -rf "$work"' EXIT
snakemake() { "$root/.venv/bin/snakemake" -s "$root/Snakefile" "$@"; }
digests() { (cd "$1/results" && find . -type f ! -path './logs/*' ! -path './benchmarks/*' | LC_ALL=C sort | xargs sha256sum); }

for place in local remote; do
    mkdir -p "$work/$place"
    cat "$root/examples/bcg/config.yaml" "$root/tests/slurm/multiverse.yaml" > "$work/$place/config.yaml"
    cp -r "$root/examples/bcg/data" "$work/$place"
done
snakemake -d "$work/local" --cores 1 > "$work/local.log" 2>&1 || { tail -n 30 "$work/local.log" >&2; exit 1; }

exported=$(cluster start)
eval "$exported"
# Nothing takes as long: a run that waits for ever is interrupted, as by hand.
remote() {
    timeout -s INT -k 60 "$LONGEST" env --default-signal=INT \
        "$root/.venv/bin/snakemake" -s "$root/Snakefile" -d "$work/remote" \
        --profile "$root/workflow/profiles/slurm" --slurm-no-account \
        --slurm-status-command squeue --slurm-init-seconds-before-status-checks 2 --seconds-between-status-checks 2 \
        --default-resources 'mem_mb=1000 * attempt' runtime=5 slots=1 slurm_partition=main --latency-wait 5
}
# What the cluster is doing, and what was said last.
state() {
    { sinfo -N -o '%N %T %E'; squeue -o '%i %T %r %N %k'; tail -n 40 "$work"/remote.log "$work"/again.log "$work"/slurm/log/*; } >&2 || true
}
# What is finished: the files with their times; those of the last seconds are left out where a
# job may not have ended though its file is there.
finished() { (cd "$work/remote/results" && find sources models multiverse -type f "$@" -printf '%p %T@\n' | LC_ALL=C sort); }
remote > "$work/remote.log" 2>&1 &
run=$!
# As soon as a job of the multiverse is running, its node dies, with the job's processes.
for _ in $(seq 1200); do
    node=$(squeue -h -t R -o '%N %k' | awk '/multiverse_fit/ { print $1; exit }')
    [ -n "$node" ] && break
    kill -0 $run 2> /dev/null || break
    sleep 0.25
done
[ -n "${node:-}" ] || { tail -n 30 "$work/remote.log" >&2; echo 'no fit of the multiverse ran on the cluster' >&2; exit 1; }
# The node's daemon first: one that outlives a job just launched says that the launch failed, and such a job is held for ever.
lost=$(squeue -h -t R -w "$node" -o '%A')
kill -9 "$(cat "$work/slurm/slurmd.$node.pid")"
for job in $lost; do pkill -9 -f "^slurmstepd: \\[$job\\." || true; done
echo "killed node $node while it fitted"
# What had ended at that moment; the jobs of the other node may end while it is written down.
finished ! -newermt '10 seconds ago' > "$work/finished"
status=0
wait $run || status=$?
# Slurm itself may hold what it could not launch; whoever waits for that in vain interrupts the run, and starts it again.
[ $status != 124 ] || { state; echo "interrupted after $LONGEST s: it is started again" >&2; }
# Whatever was lost is made again, and nothing else.
remote > "$work/again.log" 2>&1 || { state; echo 'the run did not end well when it was started again' >&2; exit 1; }
finished | LC_ALL=C comm -13 - "$work/finished" > "$work/twice"
[ ! -s "$work/twice" ] || { cat "$work/twice" >&2; echo 'computed again though it was finished' >&2; exit 1; }
digests "$work/local" > "$work/local.sums"
digests "$work/remote" | diff "$work/local.sums" - || { echo 'the cluster gives other bytes' >&2; exit 1; }
echo 'slurm: the same bytes after a node was killed'
