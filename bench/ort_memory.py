"""What ONNX Runtime holds for a model's activations: memory-pattern block + inputs + outputs.

    python3 bench/ort_memory.py MODEL.onnx [--dims NAME=N,... | INPUT:AXIS=N,...]...

The block is what the session's memory planner asks the arena for, in one piece, when the third run
begins (the first run traces the pattern). It is read from the arena's own log, with the arena
extending exactly as requested and shrunk after each run. Kernels' further scratch is not counted.
"""
import argparse
import pathlib
import re
import subprocess
import sys

import numpy as np
import onnx

from eager import bind_dims, concrete_inputs

RUN = "occamy: run"


def three_runs(model):
    """In a child process: everything that the arena does goes to standard error."""
    import onnxruntime as ort

    ort.set_default_logger_severity(0)
    arena = ort.OrtArenaCfg({"arena_extend_strategy": 1, "initial_chunk_size_bytes": -1,
                             "max_dead_bytes_per_chunk": -1, "max_mem": 0})
    cpu = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0,
                            ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(cpu, arena)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    shrink = ort.RunOptions()
    shrink.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    feeds = {n: random.standard_normal(s).astype(t) for n, (s, t) in concrete_inputs(model).items()}
    for run in range(3):
        print(RUN, run, file=sys.stderr, flush=True)
        outputs = session.run(None, feeds, shrink)
    print(sum(a.nbytes for a in [*feeds.values(), *outputs]))


def ort_bytes(path, dims):
    child = subprocess.run([sys.executable, __file__, "--child", path,
                            *(word for d in dims for word in ("--dims", d))],
                           capture_output=True, text=True, check=False)
    if child.returncode != 0:
        raise RuntimeError("ONNX Runtime: " + child.stderr.strip().splitlines()[-1])
    third = child.stderr.split(f"{RUN} 2", 1)[1]
    block = re.search(r"\(requested\) num_bytes: (\d+)", third)
    return int(child.stdout) + (int(block[1]) if block else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--dims", action="append", default=[])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        three_runs(bind_dims(onnx.load(options.model), options.dims))
    else:
        print(ort_bytes(options.model, options.dims))


if __name__ == "__main__":
    main()
