#!/usr/bin/env bash
# Starts the market with `npm start` on an empty folder and runs the README's walk against it, to the
# letter; then stops it, kills it, and starts it again on the same folder.
set -euo pipefail

usage="Usage: scripts/smoke.sh [OPTIONS]"
case "${1:-}" in
  "") ;;
  --help)
    cat <<HELP
$usage

Starts the market with npm start on an empty folder, plays the README's walk and the tour on it, looks at
its pages in a real browser, kills it and starts it again on the same folder. Needs curl and chromium.

Options:
  --help  this text

Environment:
  SMOKE_PORT  the port that the market gets (3217)

Exit codes: 0 all is as it should be, 1 something is not, 2 called wrongly.
HELP
    exit 0
    ;;
  *)
    printf "Unknown option '%s'.\n%s; --help tells more.\n" "$1" "$usage" >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")/.."

folder=$(mktemp -d)
export DATA_DIR="$folder/data" PORT="${SMOKE_PORT:-3217}" LOG_LEVEL=warn
unset DATABASE_URL
url="http://127.0.0.1:$PORT"
trap 'stop KILL; rm -rf "$folder"' EXIT

# npm, its shell and the server are one process group.
start() {
  local began=$SECONDS
  set -m
  npm start >"$folder/log" 2>&1 &
  group=$!
  set +m
  until curl -sf "$url/readyz" >/dev/null; do
    kill -0 "$group" 2>/dev/null || { cat "$folder/log"; return 1; }
    [ $((SECONDS - began)) -lt 120 ] || { echo "not ready in 120 s"; cat "$folder/log"; return 1; }
    sleep 0.2
  done
  echo "ready after $((SECONDS - began)) s"
}

stop() {
  [ -n "${group:-}" ] || return 0
  kill "-$1" -- "-$group" 2>/dev/null || true
  wait "$group" 2>/dev/null || true
  group=
}

start
cat "$folder/log"

# The walk: the README's blocks between the two markers, as they stand, on this port.
sed -n '/<!-- walk -->/,/<!-- end of walk -->/p' README.md | sed -n '/^```sh$/,/^```$/p' | grep -v '^```' |
  sed "s#http://127.0.0.1:3000#$url#g" >"$folder/walk.sh"
[ "$(grep -c curl "$folder/walk.sh")" -ge 5 ] || { echo "the README has no walk"; exit 1; }
bash -euo pipefail "$folder/walk.sh" | tee "$folder/walked"
grep -q '"status":"published"' "$folder/walked"

echo "the docs page in a real browser"
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --user-data-dir="$folder/browser" --virtual-time-budget=20000 \
  --dump-dom "$url/docs" >"$folder/dom" 2>/dev/null
grep -q 'id="operations-tag-results"' "$folder/dom"
grep -q 'Grand Market' "$folder/dom"

echo "the tour, on the demo market"
npm run --silent tour -- --url "$url" | tee "$folder/toured"
number=$(grep -oE '[0-9]{16}' "$folder/toured" | head -n 1)

echo "the certificate in a real browser"
login() { curl -sf "$url/v1/auth/login" -H 'Content-Type: application/json' -d "{\"email\":\"$1\",\"password\":\"grand-market-demo\"}" | node -pe 'JSON.parse(require("fs").readFileSync(0)).accessToken'; }
path=$(curl -sf "$url/v1/registrations?number=$number" -H "Authorization: Bearer $(login registry@demo.example)" |
  node -pe 'JSON.parse(require("fs").readFileSync(0)).data[0].certificatePath')
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --user-data-dir="$folder/browser" --virtual-time-budget=5000 \
  --dump-dom "$url$path" >"$folder/certificate" 2>/dev/null
grep -q '技术合同登记证明' "$folder/certificate"
grep -q '1,500,000.00' "$folder/certificate"
grep -q '<svg' "$folder/certificate"

echo "a second start on the same folder is refused"
if (PORT=0 node dist/src/server.js) >"$folder/second" 2>&1; then
  echo "it was not"; exit 1
fi
grep -q "in use" "$folder/second"

before=$(curl -sf "$url/v1/results?include=total" | node -pe 'JSON.parse(require("fs").readFileSync(0)).total.exact')
stop KILL
start
after=$(curl -sf "$url/v1/results?include=total" | node -pe 'JSON.parse(require("fs").readFileSync(0)).total.exact')
[ "$before" = "$after" ] || { echo "after kill -9: $after results, there were $before"; exit 1; }
stop TERM
echo "stopped"
