"""Where the two corpora are: Debian's package, and the files in the wheel onnx 1.20.1 (later ones have none)."""
import pathlib
import shutil
import subprocess
import sys
import time
import zipfile

import lib

DEBIAN = pathlib.Path("/usr/share/libonnx-testdata/data/node")
WHEEL = "onnx==1.20.1"
INSIDE = "onnx/backend/test/data/node/"


def download(folder):
    """True where pip has brought the wheel; a registry that fails once is asked again."""
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps",
               "--only-binary", ":all:", "--dest", folder, WHEEL]
    for wait in (5, 0):
        if subprocess.run(command).returncode == 0:
            return True
        time.sleep(wait)
    return False


def wheel():
    """The folder of the wheel's tests, kept beside the release build; None where it can't be had."""
    folder = lib.RELEASE / "conformance" / WHEEL.replace("==", "-")
    if folder.is_dir():
        return folder
    part = folder.with_name("part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    if not download(part):
        return None
    file = next(part.glob("*.whl"))
    with zipfile.ZipFile(file) as archive:
        archive.extractall(part, [n for n in archive.namelist() if n.startswith(INSIDE)])
    (part / INSIDE).rename(folder)
    shutil.rmtree(part)
    return folder


def debian():
    return DEBIAN if DEBIAN.is_dir() else None


CORPORA = {"debian-1.12": debian, "wheel-1.20.1": wheel}
