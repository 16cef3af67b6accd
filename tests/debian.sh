#!/usr/bin/env bash
# The README's two commands on an empty Debian: nothing in it but git, make, the distribution's Python and its venv module.
# An ordinary user clones this checkout there and runs them; what they made is counted, and, where EXPECTED names a list of
# `nameless` (tests/digests.sh), compared with it. Needs root, debootstrap and the network.
#   tests/debian.sh bookworm [command ...]      default: make results, make test
set -euo pipefail
suite=$1
shift
commands=("$@")
[ $# -gt 0 ] || commands=("make results" "make test")
checkout=$(cd "$(dirname "$0")/.." && pwd -P)
root=$(mktemp -d)
finish() {
    umount "$root/dev/pts" "$root/proc" 2> /dev/null || true
    rm -rf "$root"
}
trap finish EXIT

chmod 755 "$root"
debootstrap --variant=minbase --include=git,make,python3,python3-venv,ca-certificates "$suite" "$root" > "$root.log" 2>&1 ||
    { tail "$root.log" >&2; exit 1; }
rm -f "$root.log"
mount -t proc proc "$root/proc" || echo 'no /proc in it' >&2
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666 && ln -sf pts/ptmx "$root/dev/ptmx" || echo 'no terminals in it' >&2
# How this machine reaches a registry, and whom it trusts there.
cp /etc/resolv.conf "$root/etc/resolv.conf"
cat /etc/ssl/certs/ca-certificates.crt > "$root/etc/ssl/certs/ca-certificates.crt"
git clone -q --no-hardlinks "$checkout" "$root/srv/review"
chroot "$root" useradd --create-home --home-dir /srv/reader reader
chroot "$root" chown -R reader: /srv/review
# What linear algebra is told of this machine's processor: its kernels differ in the last digits.
mapfile -t told < <(env | grep -E '^(OPENBLAS|NPY)_' || true)
for command in "${commands[@]}"; do
    started=$(date +%s)
    chroot --userspec=reader:reader "$root" /usr/bin/env -i "${told[@]}" HOME=/srv/reader USER=reader PATH=/usr/bin:/bin LANG=C.UTF-8 \
        sh -c "cd /srv/review && $command"
    echo "$suite, $(chroot "$root" python3 --version): $command: $(($(date +%s) - started)) s"
done
if [ -n "${EXPECTED:-}" ]; then
    . "$checkout/tests/digests.sh"
    version=$(chroot "$root" /srv/review/.venv/bin/python -c 'import platform; print(platform.python_version())')
    nameless "$root/srv/review" "$version" | diff "$EXPECTED" - || { echo "$suite gives other bytes" >&2; exit 1; }
    echo "$suite: the same bytes"
fi
du -sh "$root/srv/review/.venv" "$root/srv/review/results" | sed "s#$root/srv/review/##"
