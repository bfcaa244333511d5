#!/bin/bash
# Finds NVRTC, NVIDIA's run-time compiler: from a CUDA toolkit of this machine, and whichever of the
# majors 12 and 13 no toolkit has, from NVIDIA's own PyPI wheel into a folder of its own. Nothing of
# it is ever part of Occamy. Prints one line per toolchain: major, where from, file.
#   deploy/toolchains.sh [--find-only]
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh

declare -A WHEEL=([12]=nvidia-cuda-nvrtc-cu12==12.9.86 [13]=nvidia-cuda-nvrtc==13.0.88)

toolchain_folder() {
	if [ -n "${OCCAMY_TOOLCHAINS:-}" ]; then
		printf '%s\n' "$OCCAMY_TOOLCHAINS"
	elif [ "$(id -u)" = 0 ]; then
		printf '/opt/occamy/toolchains\n'
	else
		printf '%s/.local/share/occamy/toolchains\n' "$HOME"
	fi
}

# find_nvrtc MAJOR: the first file that is that library, in the order in which occamyc looks.
find_nvrtc() {
	local dir file found=""
	for dir in ${OCCAMY_NVRTC_PATH:+${OCCAMY_NVRTC_PATH//:/ }} "${OCCAMY_TOOLCHAINS:-}"/nvrtc-*/lib \
		"${HOME:-}"/.local/share/occamy/toolchains/nvrtc-*/lib /opt/occamy/toolchains/nvrtc-*/lib \
		/usr/local/cuda*/lib64 /usr/local/cuda*/targets/*/lib \
		/usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu; do
		for file in "$dir" "$dir/libnvrtc.so.$1"; do
			case $file in
			*/libnvrtc.so.$1*) [ ! -f "$file" ] || found=${found:-$file} ;;
			esac
		done
	done
	printf '%s' "$found"
}

# install_nvrtc MAJOR: the wheel's libraries, moved to FOLDER/nvrtc-VERSION/lib in one rename.
install_nvrtc() {
	local wheel=${WHEEL[$1]} folder part lib
	folder=$(toolchain_folder)
	mkdir -p "$folder" 2>/dev/null || as_root mkdir -p "$folder"
	part=$(mktemp -d "$folder/.part.XXXXXX")
	pip_install --no-deps --target "$part/wheel" "$wheel" || return 1
	lib=$(dirname "$(find "$part/wheel" -name "libnvrtc.so.$1" -print -quit)")
	[ -f "$lib/libnvrtc.so.$1" ] || die "$wheel holds no libnvrtc.so.$1"
	mv "$lib" "$part/lib"
	rm -rf "$part/wheel" "$folder/nvrtc-${wheel##*==}"
	chmod 755 "$part"
	mv "$part" "$folder/nvrtc-${wheel##*==}"
}

main() {
	local major file from
	PYTHON=${PYTHON:-$(command -v /usr/bin/python3 || command -v python3 || true)}
	for major in 12 13; do
		file=$(find_nvrtc $major)
		from=found
		if [ -z "$file" ] && [ "${1:-}" != --find-only ]; then
			[ -n "$PYTHON" ] || die "no python3 to fetch ${WHEEL[$major]} with"
			long_step "NVRTC $major (PyPI, ${WHEEL[$major]})" install_nvrtc $major
			file=$(find_nvrtc $major)
			from=installed
		fi
		printf 'nvrtc %d: %s\n' "$major" "${file:+$from $file}"
	done
}

main "$@"
