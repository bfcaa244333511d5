#!/bin/bash
# base/math.h gives the same bytes however it is compiled, its tables are what base/math_fit.py
# computes, nothing is contracted, and nothing that we build calls the C library's functions instead.
set -euo pipefail

# What IEEE 754 makes exact (fma, fmod, ldexp, ...) is not in the list.
INEXACT='a?(sin|cos|tan)h?|atan2|sincos|exp|exp2|exp10|expm1|log|log2|log10|log1p|pow|cbrt|hypot|erfc?|[lt]?gamma|lgamma_r|powi|j[01n]|y[01n]'

complain() {
	printf '%s\n' "$*"
	exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$PYTHON" base/math_fit.py tables | cmp - base/math_tables.h
"$PYTHON" base/math_fit.py approx | cmp - base/math_approx_tables.h

for build in "$BUILD" "$RELEASE"; do
	"$build/test_math" || complain "$build/test_math failed"
	"$PYTHON" - "$build/compile_commands.json" <<-'END' || exit 1
		import json, sys
		for unit in json.load(open(sys.argv[1])):
		    words = unit["command"].split()
		    if "-ffp-contract=off" not in words or {"-ffast-math", "-Ofast"} & set(words):
		        sys.exit(f"{unit['file']}: compiled without -ffp-contract=off, or with -ffast-math")
	END
	for file in occamyc occamyd occamy-client libocc_emulator.so; do
		called=$(nm -D --undefined-only "$build/$file" | awk '{ print $NF }' | sed 's/@.*//')
		grep -q . <<<"$called" || complain "$build/$file: nm shows no calls"
		! grep -E "^(__)?($INEXACT)[fl]?(_finite)?\$" <<<"$called" || complain "$build/$file calls the C library's"
	done
done

for compiler in gcc clang; do
	command -v "$compiler" >/dev/null || continue
	for flags in -O0 -O3 '-O3 -march=native'; do
		# shellcheck disable=SC2086 # several flags
		"$compiler" -std=gnu17 $flags -ffp-contract=off -D_GNU_SOURCE -I. -o "$scratch/test_math" \
			tests/00unit/test_math.c base/math.c base/math_angle.c "$RELEASE/base/libbase.a" \
			$(pkg-config --cflags --libs nettle) -lm
		"$scratch/test_math" || complain "$compiler $flags: test_math failed"
		echo "$compiler $flags: same bytes"
	done
done
