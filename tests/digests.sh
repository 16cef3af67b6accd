# To be sourced: hashes of the results of a folder, sorted, but for logs, times and memory.
results_of() { (cd "$1" && find results -type f ! -path 'results/logs/*' ! -path 'results/benchmarks/*' | LC_ALL=C sort); }
digests() { results_of "$1" | (cd "$1" && xargs sha256sum); }
# The same without the version of the Python, which fits hold, and without the list of all hashes.
nameless() {
    results_of "$1" | grep -v ro-crate-metadata.json | while read -r file; do
        echo "$file $(LC_ALL=C sed "s/${2//./\\.}/PYTHON/g" "$1/$file" | sha256sum)"
    done
}
version_of() { "$1" -c 'import platform; print(platform.python_version())'; }
