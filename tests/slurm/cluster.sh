#!/usr/bin/env bash
# A throw-away Slurm of two nodes on this host, without systemd, cgroups or accounting: `cluster.sh start DIR`, `stop DIR`.
# Needs root and Debian's slurm-wlm and munge. `start` prints what the shell that uses it must export.
set -euo pipefail
what=$1 home=$(realpath -m "$2") nodes=2 port=17817
conf=$home/slurm.conf socket=$home/munge.socket

start() {
    umask 022
    mkdir -p "$home"/{state,spool,bin,log} "$home/key"
    chmod 700 "$home/key"
    local host srun
    host=$(hostname -s)
    srun=$(command -v srun)
    {
        printf '%s\n' \
            "ClusterName=throwaway" "SlurmctldHost=$host(127.0.0.1)" "SlurmctldPort=$port" \
            "SlurmUser=root" "SlurmdUser=root" "AuthType=auth/munge" "CredType=cred/munge" "AuthInfo=socket=$socket" \
            "ProctrackType=proctrack/linuxproc" "TaskPlugin=task/none" "MpiDefault=none" "MailProg=/bin/true" \
            "SelectType=select/cons_tres" "SelectTypeParameters=CR_CPU_Memory" \
            "SchedulerParameters=batch_sched_delay=1,sched_interval=2" "SlurmdParameters=config_overrides" \
            "AccountingStorageType=accounting_storage/none" "JobAcctGatherType=jobacct_gather/none" \
            "ReturnToService=2" "SlurmdTimeout=15" "KillWait=3" "MinJobAge=3600" "JobRequeue=1" \
            "StateSaveLocation=$home/state" "SlurmctldPidFile=$home/slurmctld.pid" "SlurmctldLogFile=$home/log/ctld" \
            "SlurmdPidFile=$home/slurmd.%n.pid" "SlurmdLogFile=$home/log/%n" "SlurmdSpoolDir=$home/spool/%n"
        for i in $(seq $nodes); do
            echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + i)) CPUs=2 RealMemory=16000 State=UNKNOWN"
        done
        echo "PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=1440 State=UP"
    } > "$conf"
    # The plugin's job step forgets where the configuration is before it calls srun.
    printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$conf" "$srun" > "$home/bin/srun"
    chmod 755 "$home/bin/srun"
    export SLURM_CONF=$conf
    [ -s "$home/key/key" ] || { head -c 128 /dev/urandom > "$home/key/key"; chmod 400 "$home/key/key"; }
    munged --key-file="$home/key/key" --socket="$socket" --pid-file="$home/munged.pid" \
        --log-file="$home/key/log" --seed-file="$home/key/seed" >&2
    slurmctld -f "$conf" >&2
    for i in $(seq $nodes); do
        mkdir -p "$home/spool/n$i"
        slurmd -f "$conf" -N "n$i" >&2
    done
    for _ in $(seq 120); do
        [ "$(sinfo -h -N -o %T 2> /dev/null | grep -cE '^(idle|mixed)$')" = $nodes ] && break
        sleep 0.25
    done
    [ "$(sinfo -h -N -o %T | grep -cE '^(idle|mixed)$')" = $nodes ] || { tail -n 5 "$home"/log/* >&2; exit 1; }
    echo "export SLURM_CONF=$conf PATH=$home/bin:\$PATH"
}

stop() {
    export SLURM_CONF=$conf
    timeout 10 scancel -u root 2> /dev/null || true
    for file in "$home"/slurmd.*.pid "$home/slurmctld.pid" "$home/munged.pid"; do
        [ -s "$file" ] && kill "$(cat "$file")" 2> /dev/null || true
    done
    sleep 1
    rm -rf "$home"
}

$what
