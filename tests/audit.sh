#!/bin/sh
# Looks every locked package up in a database of known vulnerabilities. Called by `make audit` with the path of uv.
set -eu
uv=$1
pip_audit="pip-audit==2.9.0"

if ! "$uv" tool run --quiet "$pip_audit" --version >/dev/null 2>&1; then
    echo "audit: not done: $pip_audit cannot be fetched. It needs a package index and a database of vulnerabilities." >&2
    exit 2
fi
status=0
said=$("$uv" tool run --quiet "$pip_audit" --strict --disable-pip --require-hashes -r requirements.lock 2>&1) || status=$?
echo "$said"
case $said in
*"could not be audited"* | *"ConnectionError"* | *"Max retries exceeded"* | *"NameResolutionError"* | *"ServiceError"* | *"Timeout"*)
    echo "audit: not done: no database that knows these packages can be reached from here." >&2
    exit 2
    ;;
esac
exit $status
