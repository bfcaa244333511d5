#!/bin/bash
# Which twentieth of the long set a run takes: prints "K WHY".
# K is the count of commits modulo 20, so that twenty commits in a row run all of it. A shallow clone
# does not know that count: K is its commit's id modulo 20. Without git: 0.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

if ! id=$(git rev-parse --verify --quiet HEAD 2>/dev/null); then
	echo "0 no history: --all, or --shard K by hand"
elif [ "$(git rev-parse --is-shallow-repository)" = true ]; then
	echo "$((16#${id:0:8} % 20)) shallow history: by the commit's id ${id:0:8}"
else
	count=$(git rev-list --count HEAD)
	echo "$((count % 20)) $count commits"
fi
