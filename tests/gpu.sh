#!/bin/bash
# The suite for a machine with a GPU: the operators' cases and networks on the real driver, against the
# emulated device (bits, where no approximate instruction is in the way) and ONNX Runtime, with times by
# events and memory by cuMemGetInfo, in one Markdown report.
#   tests/gpu.sh [--ops Conv,...] [--networks resnet50,...] [--runs N]
#                                     both halves in a scratch folder; report.md in the working directory
#   tests/gpu.sh --prepare DIR ...    compile, emulate, ask ONNX Runtime; needs no GPU
#   tests/gpu.sh --run DIR ...        on the device; writes DIR/report.md
# Each half's --help has its options. --run needs DIR, a CUDA driver and python3, nothing else: DIR holds the
# client and its libraries, for machines with the same C library or a later one. --prepare needs the release
# build (RELEASE, build/ by default; tests/run.sh or deploy/quickstart.sh make it: gcc, cmake, ninja, nettle,
# sqlite, jansson, libmicrohttpd, protobuf-c), NVRTC, and PYTHON with numpy, ml_dtypes, onnx and onnxruntime.
# DRIVER is the folder of libcuda.so.1, where the linker does not look for it by itself.
# Exit 0: all pass; 1: some fail, or were refused when they were prepared; 69: no driver or no device.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
PYTHON=${PYTHON:-python3}
export PYTHONPATH=$here:$here/../bench PYTHONDONTWRITEBYTECODE=1

on_device() {
	LD_LIBRARY_PATH=${DRIVER:-}${LD_LIBRARY_PATH:+${DRIVER:+:}$LD_LIBRARY_PATH} "$PYTHON" "$here/gpu/run.py" "$@"
}

case ${1:-} in
--prepare) shift && exec "$PYTHON" "$here/gpu/prepare.py" "$@" ;;
--run)
	shift
	on_device "$@"
	exit
	;;
'' | --ops | --networks | --runs) ;;
*)
	echo "usage: tests/gpu.sh [--prepare DIR | --run DIR] [OPTION...]" >&2
	exit 64
	;;
esac

chip=$(on_device --probe)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$PYTHON" "$here/gpu/prepare.py" "$scratch/suite" --target "$chip" "$@" || [ -f "$scratch/suite/suite.json" ]
on_device "$scratch/suite" --report report.md
