"""Programs of the dev build with a few objects in place of its own: what a change of the source does, in seconds.
The linker takes from an object that stands in front of the libraries whatever it defines."""
import json
import pathlib
import shlex
import subprocess

import lib


def compile_as(like, source, out, root=lib.ROOT):
    """Compiles source to out as the build compiles the file like; includes are searched in root instead."""
    commands = json.loads((lib.BUILD / "compile_commands.json").read_text())
    command = next(c for c in commands
                   if pathlib.Path(c["directory"], c["file"]).resolve() == pathlib.Path(like).resolve())
    words = [f"-I{root}" if word == f"-I{lib.ROOT}" else word for word in shlex.split(command["command"])]
    subprocess.run([*words[:words.index("-o")], "-o", out, "-c", source], cwd=command["directory"], check=True)
    return out


def compile_kernels(changed, folder):
    """The table of kernel templates with a changed file of one name, which lies in folder."""
    files = [f for ending in ("cu", "cuh") for f in sorted((lib.ROOT / "kernels").glob(f"*.{ending}"))]
    files = [changed if f.name == changed.name else f for f in files]
    subprocess.run(["cmake", f"-DOUT={folder / 'table.c'}", "-P", lib.ROOT / "kernels" / "embed.cmake", *files], check=True)
    return compile_as(lib.BUILD / "gen" / "kernels" / "table.c", folder / "table.c", folder / "table.o")


def link(targets, objects, folder):
    """Links targets with objects into folder, which then stands for a build: what else tests run is linked to."""
    for target in targets:
        command = subprocess.run(["ninja", "-C", lib.BUILD, "-t", "commands", target], check=True,
                                 capture_output=True, text=True).stdout.splitlines()[-1]
        assert command.count(f" -o {target} ") == 1, command
        words = " ".join(shlex.quote(str(word)) for word in [folder / target, *objects])
        subprocess.run(command.replace(f" -o {target} ", f" -o {words} "), cwd=lib.BUILD, shell=True, check=True)
    for name in ("occamy-client", "libocc_emulator.so"):
        (folder / name).symlink_to(lib.BUILD / name)
