"""What the emulator's sanitizer costs: writes bench/sanitizer.md.

    python3 bench/sanitizer.py [ARTIFACT]

CPU seconds of `occamy-client run` on the emulated device with the release build, one run each; without an
artifact ResNet-50 is compiled. A factor above 4 is an error."""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import models

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = pathlib.Path(os.environ.get("RELEASE", ROOT / "build"))
MOST = 4
RUNS = 1


def cpu_seconds(artifact, words, folder):
    command = [RELEASE / "occamy-client", "run", artifact, "--random", "1", "--device", "emulator", "--output-dir", folder]
    best = float("inf")
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env={**os.environ, "OCCAMY_EMULATOR": words}, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def main():
    lines = ["# The sanitizer's cost", "",
             "Written by `bench/sanitizer.py`: CPU seconds of a run of ResNet-50 (fp32, sm_87) on the emulated device,",
             "release build, loading included.", "",
             "| threads | off | sanitize=1 | and the plan | factor |", "|--:|--:|--:|--:|--:|"]
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        artifact = sys.argv[1] if len(sys.argv) > 1 else f"{folder}/resnet50.occ"
        if len(sys.argv) < 2:
            subprocess.run([RELEASE / "occamyc", models.path("resnet50"), "-o", artifact, "--code", "ptx"], check=True)
        for threads in (1, 2):
            off, on, plan = (cpu_seconds(artifact, f"threads={threads},{words}", folder) for words in
                             ("sanitize=0", "sanitize=1", f"sanitize=1,plan={artifact}"))
            worst = max(worst, plan / off)
            lines.append(f"| {threads} | {off:.2f} | {on:.2f} | {plan:.2f} | {plan / off:.2f} |")
    (ROOT / "bench" / "sanitizer.md").write_text("\n".join(lines) + "\n")
    sys.exit(f"{worst:.2f} times the time without it, at most {MOST}" if worst > MOST else 0)


if __name__ == "__main__":
    main()
