# shellcheck shell=bash disable=SC2034
# Shared by deploy/*.sh and tests/run.sh, sourced by bash from the repository root:
# Debian packages, the Python environment, the two builds, and progress on long steps.

BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config libmicrohttpd-dev libprotobuf-c-dev
	protobuf-c-compiler libsqlite3-dev libjansson-dev nettle-dev"
RUN_PACKAGES="python3 python3-venv curl libcurl4 ca-certificates fonts-dejavu-core"
TEST_PACKAGES="clang-format-14 binutils git libonnx-testdata"

say() {
	printf '== %s\n' "$*"
}

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# as_root COMMAND...: runs it as root, by sudo where we are not.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -E "$@"
	else
		die "not root and no sudo: as root, run: $*"
	fi
}

# long_step WHAT COMMAND...: output goes to a log; says every few seconds where it stands.
long_step() {
	local what=$1 log start=$SECONDS shown=$SECONDS pid rc=0
	shift
	log=$(mktemp "${TMPDIR:-/tmp}/occamy-step.XXXXXX")
	say "$what"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		if [ $((SECONDS - shown)) -ge 5 ]; then
			shown=$SECONDS
			printf '   ... %3d s  %s\n' $((SECONDS - start)) \
				"$(tail -c 400 "$log" | tr '\r' '\n' | sed '/^ *$/d' | tail -n 1 | cut -c 1-90)"
		fi
	done
	wait "$pid" || rc=$?
	if [ "$rc" != 0 ]; then
		tail -n 40 "$log" >&2
		printf 'error: failed (exit %d): %s\n' "$rc" "$what" >&2
	else
		printf '   done in %d s\n' $((SECONDS - start))
	fi
	rm -f "$log"
	return "$rc"
}

missing_packages() {
	local name
	for name in "$@"; do
		case $(dpkg-query -W -f '${Status}' "$name" 2>/dev/null) in
		"install ok installed") ;;
		*) printf '%s ' "$name" ;;
		esac
	done
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# need_packages NAME...: installs the missing ones; an archive that fails once is asked again.
need_packages() {
	local missing
	missing=$(missing_packages "$@")
	if [ -z "$missing" ]; then
		return 0
	fi
	say "Debian packages missing: $missing"
	long_step "apt-get update" as_root apt-get update ||
		{ sleep 5; long_step "apt-get update, again" as_root apt-get update; } || return 1
	# shellcheck disable=SC2086 # a list of names
	long_step "apt-get install" apt_install $missing ||
		{ sleep 5; long_step "apt-get install, again" apt_install $missing; }
}

# python_env REQUIREMENTS...: .venv with exactly these pinned packages in it; sets PYTHON.
python_env() {
	local base=/usr/bin/python3 stamp file args=()
	[ -x "$base" ] || base=$(command -v python3) || die "no python3"
	PYTHON=$PWD/.venv/bin/python
	[ -x "$PYTHON" ] || long_step "Python environment in .venv" "$base" -m venv .venv || return 1
	for file in "$@"; do
		stamp=.venv/$(basename "$file").$(sha256sum "$file" | cut -c 1-16)
		[ -e "$stamp" ] || args+=(-r "$file")
	done
	if [ ${#args[@]} -gt 0 ]; then
		long_step "Python packages of $*" pip_install "${args[@]}" || return 1
		for file in "$@"; do
			touch ".venv/$(basename "$file").$(sha256sum "$file" | cut -c 1-16)"
		done
	fi
	export PYTHON
}

# pip_install ARGUMENTS...: a registry that fails once is asked again.
pip_install() {
	"$PYTHON" -m pip install --disable-pip-version-check --no-input "$@" ||
		{ sleep 5; "$PYTHON" -m pip install --disable-pip-version-check --no-input "$@"; }
}

# need_toolchains: NVRTC, where occamyc looks for it.
need_toolchains() {
	deploy/toolchains.sh || return 1
	if [ -n "${OCCAMY_TOOLCHAINS:-}" ]; then
		OCCAMY_NVRTC_PATH=${OCCAMY_NVRTC_PATH:+$OCCAMY_NVRTC_PATH:}$(
			printf '%s:' "$OCCAMY_TOOLCHAINS"/nvrtc-*/lib)
		export OCCAMY_NVRTC_PATH
	fi
}

# build_preset NAME TESTS: TESTS is ON or OFF.
build_preset() {
	long_step "configure ($1)" cmake --preset "$1" -DOCCAMY_TESTS="$2" &&
		long_step "build ($1)" cmake --build --preset "$1"
}

# ocr_models DIR: the pretrained OCR models of a pinned PyPI wheel, unpacked into DIR.
OCR_WHEEL=rapidocr-onnxruntime==1.4.4
ocr_models() {
	[ -e "$1/ch_PP-OCRv4_rec_infer.onnx" ] && return 0
	mkdir -p "$1"
	long_step "OCR models (PyPI, $OCR_WHEEL)" fetch_ocr_models "$1"
}

fetch_ocr_models() {
	local dir=$1 try
	for try in 1 2; do
		"$PYTHON" -m pip download --disable-pip-version-check --no-deps --dest "$dir" "$OCR_WHEEL" && break
		sleep 5
	done
	"$PYTHON" - "$dir" <<-'PY'
	import pathlib, sys, zipfile
	folder = pathlib.Path(sys.argv[1])
	wheel = next(folder.glob("rapidocr_onnxruntime-*.whl"))
	with zipfile.ZipFile(wheel) as archive:
	    for name in archive.namelist():
	        if name.endswith(".onnx"):
	            part = folder / (pathlib.Path(name).name + ".part")
	            part.write_bytes(archive.read(name))
	            part.rename(part.with_suffix(""))
	wheel.unlink()
	PY
}
