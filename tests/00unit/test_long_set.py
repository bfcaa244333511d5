"""Twenty runs take each item of a long set exactly once; shard.sh counts commits."""
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib


def taken(count, what, shard, everything=False):
    lib.SHARD, lib.ALL = str(shard), everything
    with contextlib.redirect_stdout(io.StringIO()):
        return lib.long_set(range(count), what)


def test_partition():
    for what in "a", "b", "networks":
        for count in 0, 1, 7, 20, 61, 400:
            runs = [taken(count, what, shard) for shard in range(lib.SHARDS)]
            assert sorted(sum(runs, [])) == list(range(count)), f"{what}, {count}: {runs}"
            assert all(run == sorted(run) for run in runs)
            assert max(map(len, runs)) - min(map(len, runs)) <= 1, f"{what}, {count}: uneven"
            assert taken(count, what, 3, everything=True) == list(range(count))
            assert taken(count, what, "none") == []


def test_lists_begin_elsewhere():
    assert len({lib.shard_of(0, f"90e2e/test_{n}.py") for n in range(40)}) > 10


def git(folder, *words):
    subprocess.run(["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@localhost", *words],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def chosen(folder):
    return subprocess.run([lib.ROOT / "tests" / "shard.sh", folder], check=True,
                          capture_output=True, text=True).stdout.split()[0]


def test_shard_of_commit():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "none").mkdir()
        assert chosen(folder / "none") == "0"
        git(folder, "init", "-q", "full")
        for count in range(1, 23):
            git(folder / "full", "commit", "-q", "--allow-empty", "-m", "x")
            assert chosen(folder / "full") == str(count % 20), count
        git(folder, "clone", "-q", "--depth", "2", f"file://{folder}/full", "shallow")
        head = subprocess.run(["git", "-C", folder / "full", "rev-parse", "HEAD"], check=True,
                              capture_output=True, text=True).stdout
        assert chosen(folder / "shallow") == str(int(head[:8], 16) % 20)


def test_run_sh_refuses():
    for word in "20", "-1", "x":
        ran = subprocess.run([lib.ROOT / "tests" / "run.sh", "--shard", word],
                             capture_output=True, text=True, timeout=20)
        assert ran.returncode != 0 and "0 to 19" in ran.stderr, f"{word!r}: {ran}"


lib.main(globals())
