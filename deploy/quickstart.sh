#!/bin/bash
# A real model through daemon, compiler, cache and client, on a bare Debian 12, with or without a GPU.
#   deploy/quickstart.sh [--text "Hello Occamy 2026"] [--target sm_87]
#   deploy/quickstart.sh --model FILE.onnx [--dims NAME=N,...]... [--target sm_87]
# Installs what is missing (root or sudo), builds, starts occamyd on loopback, uploads the PP-OCRv4
# text recogniser, lets it read a rendered line of text, and prints the memory that it took. With
# --model: your own model, on random input. May be repeated; ends the daemon that it started.
# OCCAMY_STORE: the daemon's store; /var/cache/occamy as root, else ~/.cache/occamy.
set -euo pipefail
CALLED_FROM=$PWD
cd "$(dirname "$0")/.."
. deploy/lib.sh

TEXT="Hello Occamy 2026"
TARGET=sm_87
MODEL=""
DIMS=""
while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || die "usage: deploy/quickstart.sh [--text TEXT | --model FILE.onnx [--dims ...]] [--target sm_NN]"
	case $1 in
	--text) TEXT=$2 ;;
	--target) TARGET=$2 ;;
	--model) MODEL=$(cd "$CALLED_FROM" && realpath -e "$2") || die "no such model: $2" ;;
	--dims) DIMS=${DIMS:+$DIMS,}$2 ;;
	*) die "unknown option $1" ;;
	esac
	shift 2
done

OUT=$PWD/build/quickstart
DAEMON=""
stop_daemon() {
	if [ -n "$DAEMON" ]; then
		kill "$DAEMON" 2>/dev/null || true
		wait "$DAEMON" 2>/dev/null || true
		DAEMON=""
	fi
}
trap stop_daemon EXIT

# json FILE NAME: one member of a JSON object; text as it is, all else as JSON.
json() {
	"$PYTHON" -c 'import json, sys
value = json.load(open(sys.argv[1]))[sys.argv[2]]
print(value if isinstance(value, str) else json.dumps(value))' "$@"
}

store_folder() {
	if [ -n "${OCCAMY_STORE:-}" ]; then
		printf '%s' "$OCCAMY_STORE"
	elif [ "$(id -u)" = 0 ]; then
		printf '/var/cache/occamy'
	else
		printf '%s/.cache/occamy' "$HOME"
	fi
}

prepare() {
	# shellcheck disable=SC2086 # lists of names
	need_packages $BUILD_PACKAGES $RUN_PACKAGES
	python_env deploy/requirements.txt
	need_toolchains
	build_preset release OFF
	mkdir -p "$OUT"
	if [ -z "$MODEL" ]; then
		ocr_models "$PWD/build/models"
		MODEL=$PWD/build/models/ch_PP-OCRv4_rec_infer.onnx
		DIMS=${DIMS:-x:0=1,x:2=48,x:3=320}
		MODEL_NAME=pp_ocrv4_rec
	fi
}

start_daemon() {
	local store
	store=$(store_folder)
	mkdir -p "$store"
	build/occamyd --listen 127.0.0.1:0 --store "$store" >"$OUT/occamyd.out" 2>"$OUT/occamyd.log" </dev/null &
	DAEMON=$!
	BASE=""
	for _ in $(seq 100); do
		BASE=$(sed -n 's/^listening on //p' "$OUT/occamyd.out")
		if [ -n "$BASE" ] || ! kill -0 "$DAEMON" 2>/dev/null; then
			break
		fi
		sleep 0.1
	done
	if [ -z "$BASE" ] || ! curl -sSf -o /dev/null "$BASE/healthz"; then
		tail -n 20 "$OUT/occamyd.log" >&2
		die "occamyd did not come up"
	fi
	say "occamyd on $BASE, store $store"
}

# urlencode TEXT
urlencode() {
	"$PYTHON" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$1"
}

# upload ANSWER.json: POST /compile, following the job where it takes longer than a few seconds.
upload() {
	local status job state
	status=$(curl -sS -o "$1" -D "$OUT/headers" -w '%{http_code}' -H 'Prefer: wait=5' -H 'Expect:' \
		-H 'Content-Type: application/octet-stream' --data-binary "@$MODEL" \
		"$BASE/compile?target=$TARGET${DIMS:+&dims=$(urlencode "$DIMS")}")
	if [ "$status" = 202 ]; then
		job=$BASE$(tr -d '\r' <"$OUT/headers" | sed -n 's/^[Ll]ocation: *//p' | head -n 1)
		while state=$(json "$1" state) && [ "$state" != "done" ] && [ "$state" != failed ]; do
			printf '   ... %s %s, %s %%\n' "$state" "$(json "$1" stage)" "$(json "$1" percent)"
			sleep 2
			status=$(curl -sS -o "$1" -w '%{http_code}' "$job")
		done
		[ "$state" = "done" ] || die "refused: $(json "$1" problem)"
		json "$1" result >"$1.part" && mv "$1.part" "$1"
	fi
	if [ "$status" != 200 ]; then
		die "the daemon answered $status: $(cat "$1")"
	fi
}

hit_seconds() {
	curl -sf "$BASE/metrics" | awk '/^occamy_hit_seconds_sum/ { sum = $2 }
		/^occamy_hit_seconds_count/ { count = $2 }
		END { if (count) printf "%.2f ms", 1000 * sum / count; else printf "not measured" }'
}

run_model() {
	if [ -n "${MODEL_NAME:-}" ]; then
		"$PYTHON" bench/ocr.py render "$TEXT" "$OUT/line.npy" --picture "$OUT/line.png"
		say "run: the picture $OUT/line.png of \"$TEXT\""
		set -- --input "x=$OUT/line.npy"
	else
		say "run: random input"
		set -- --random 1
	fi
	# without a GPU, the emulated device is the chip that was compiled for
	OCCAMY_EMULATOR=${OCCAMY_EMULATOR:-sm=${TARGET#sm_}} build/occamy-client run \
		"$BASE/v1/artifacts/$KEY.occ" "$@" --output-dir "$OUT" --report "$OUT/run.json"
}

show_text() {
	build/occamy-client inspect "$OUT/model.occ" --metadata character >"$OUT/characters.txt"
	printf '\n   The model read:  %s\n\n' \
		"$("$PYTHON" bench/ocr.py decode "$OUT/output_0.npy" "$OUT/characters.txt")"
}

show_memory() {
	say "memory (activations: graph input and output included)"
	json "$OUT/answer.json" report >"$OUT/report.json"
	if [ -n "${MODEL_NAME:-}" ]; then
		set -- --model "$MODEL_NAME"
	else
		set -- --file "$MODEL" ${DIMS:+--dims "$DIMS"}
	fi
	"$PYTHON" bench/memory_table.py "$OUT/report.json" "$@"
}

prepare
start_daemon
say "upload $(basename "$MODEL") (target $TARGET${DIMS:+, dims $DIMS})"
upload "$OUT/answer.json"
KEY=$(json "$OUT/answer.json" key)
printf '   %s, key %s\n' "$(json "$OUT/answer.json" cache)" "$KEY"
curl -sSf -o "$OUT/model.occ" "$BASE/v1/artifacts/$KEY.occ"
curl -sSf -o "$OUT/plan.svg" "$BASE/v1/artifacts/$KEY/plan.svg"
run_model
[ -z "${MODEL_NAME:-}" ] || show_text
show_memory
say "the same upload again"
upload "$OUT/again.json"
printf '   %s, answered in %s (mean of all hits)\n' "$(json "$OUT/again.json" cache)" "$(hit_seconds)"
[ "$(json "$OUT/again.json" cache)" = hit ] || die "the second upload was no hit"
say "the memory plan as a picture: $OUT/plan.svg"
