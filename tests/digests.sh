# To be sourced: hashes of the results of a folder, sorted, but for logs, times and memory.
results_of() { (cd "$1" && find results -type f ! -path 'results/logs/*' ! -path 'results/benchmarks/*' | LC_ALL=C sort); }
digests() { results_of "$1" | (cd "$1" && xargs sha256sum); }
# The same without the version of the Python, which fits and the manuscript hold, and without the list of all hashes.
nameless() {
    results_of "$1" | grep -v ro-crate-metadata.json | while read -r file; do
        echo "$file $(content_of "$1/$file" | LC_ALL=C sed "s/${2//./\\.}/PYTHON/g" | sha256sum)"
    done
}
# A file's bytes; of a Word file those of its parts with their names: its directory holds their lengths and checksums, with
# the version's digits in them.
content_of() {
    case $1 in
        *.docx) "$(dirname "${BASH_SOURCE[0]}")/../.venv/bin/python" -c '
import sys, zipfile
for part in (packed := zipfile.ZipFile(sys.argv[1])).namelist():
    sys.stdout.buffer.write(part.encode() + packed.read(part))' "$1" ;;
        *) cat "$1" ;;
    esac
}
version_of() { "$1" -c 'import platform; print(platform.python_version())'; }
