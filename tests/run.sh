#!/bin/bash
# The one test command: installs what is missing, builds the dev (ASan, UBSan) and release presets,
# then runs the lints, the C tests and the numbered folders' script tests, in this order.
#   tests/run.sh [--only PATTERN] [--all | --shard K]
# --only: just the tests whose name holds PATTERN. Of the long set a run takes one twentieth, the one
# of shard.sh or the given K of 0..19; --all: all of it.
# A test is a program: exit 0 passes, 77 skips (the last line it printed is the reason). A test that
# leaves a sanitizer's report has failed, whatever it returned.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh

ONLY=""
SHARD=""
export OCCAMY_TEST_ALL=0
while [ $# -gt 0 ]; do
	case $1 in
	--only) ONLY=${2:?--only needs a pattern} && shift 2 ;;
	--all) OCCAMY_TEST_ALL=1 && shift ;;
	--shard) SHARD=${2:?--shard needs a number} && shift 2 ;;
	*) die "usage: tests/run.sh [--only PATTERN] [--all | --shard K]" ;;
	esac
done
SHARD=${SHARD:-$(tests/shard.sh)}
export OCCAMY_TEST_SHARD=${SHARD%% *}
[[ $OCCAMY_TEST_SHARD =~ ^1?[0-9]$ ]] || die "--shard: 0 to 19, not '$SHARD'"
LIMIT=600
if [ $OCCAMY_TEST_ALL = 1 ]; then
	SHARD="all of it" LIMIT=3600
fi

passed=0
failed=0
skipped=0
number=0
failures=()

# run_test NAME COMMAND...
run_test() {
	local name=$1 start=$EPOCHREALTIME rc=0 seconds log=$LOGS/current.log
	shift
	case $name in
	*"$ONLY"*) ;;
	*) return 0 ;;
	esac
	number=$((number + 1))
	rm -rf "$LOGS/reports" && mkdir -p "$LOGS/reports"
	timeout -k 10 $LIMIT "$@" >"$log" 2>&1 </dev/null || rc=$?
	seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	if [ -n "$(ls "$LOGS/reports")" ]; then
		cat "$LOGS"/reports/* >>"$log"
		rc=99
	fi
	case $rc in
	0)
		passed=$((passed + 1))
		printf 'ok %d - %s (%s s)\n' "$number" "$name" "$seconds"
		;;
	77)
		skipped=$((skipped + 1))
		printf 'ok %d - %s (%s s) # SKIP %s\n' "$number" "$name" "$seconds" "$(tail -n 1 "$log")"
		;;
	*)
		failed=$((failed + 1))
		failures+=("$name")
		printf 'not ok %d - %s (%s s) exit %d\n' "$number" "$name" "$seconds" "$rc"
		tail -n 60 "$log" | sed 's/^/#   /'
		;;
	esac
}

install_all() {
	# shellcheck disable=SC2086 # lists of names
	need_packages $BUILD_PACKAGES $RUN_PACKAGES $TEST_PACKAGES
	python_env deploy/requirements.txt tests/requirements.txt
	need_toolchains
	ocr_models "$MODELS"
}

lints() {
	local lint
	for lint in tests/lint/{selftest,includes,banned,sizes,words,format}.py; do
		run_test "lint/$(basename "$lint" .py)" "$PYTHON" "$lint"
	done
}

c_tests() {
	local test
	while read -r test; do
		run_test "c/$test" ctest --test-dir "$BUILD" -R "^$test\$" --output-on-failure
	done < <(ctest --test-dir "$BUILD" -N | sed -n 's/^ *Test *#[0-9]*: //p')
}

script_tests() {
	local test
	for test in tests/[0-9]*/test_*; do
		case $test in
		*.py) run_test "${test#tests/}" "$PYTHON" "$test" ;;
		*.sh) run_test "${test#tests/}" bash "$test" ;;
		esac
	done
}

export BUILD=$PWD/build-dev RELEASE=$PWD/build MODELS=$PWD/build/models
LOGS=$BUILD/test-logs
install_all
build_preset dev ON
build_preset release ON
mkdir -p "$LOGS"
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/tests:$PWD/bench
# intercept_tls_get_addr: with two NVRTCs in one process the leak check takes a wrong address for
# their thread-local blocks and now and then dies of it.
export ASAN_OPTIONS=log_path=$LOGS/reports/asan:detect_leaks=1:intercept_tls_get_addr=0
export UBSAN_OPTIONS=log_path=$LOGS/reports/ubsan:print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0

# Whatever runs on the emulated device runs under its sanitizer.
export OCCAMY_EMULATOR_DEFAULTS=sanitize=1

say "long set: shard $SHARD"
lints
c_tests
script_tests
if [ ${#failures[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failures[@]}"
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
