"""The lints catch what they are for."""
import banned
import includes
import sizes
import words

TABLE = {
    "base/a.h": "",
    "base/a.c": '#include "base/a.h"\n#include "cache/cache.h"\n',
    "runtime/secret_int.h": "",
    "runtime/cuda.h": '#include "base/a.h"\n',
    "client/main.c": '#include "runtime/cuda.h"\n#include "runtime/secret_int.h"\n',
    "emulator/x.c": '#include "runtime/cuda.h"\n#include "runtime/runtime.h"\n#include "x.h"\n',
    "runtime/p.c": "#include <protobuf-c/protobuf-c.h>\n",
    "cache/cache.h": '#include "cache/b.h"\n',
    "cache/b.h": '#include "cache/cache.h"\n',
    **{f"daemon/h{n}.h": f'#include "daemon/h{n + 1}.h"\n' for n in range(5)},
    "daemon/h5.h": "",
}
WANT = ["base/a.c: base/ may not", "client/main.c: client/ may not include \"runtime/secret",
        "emulator/x.c: emulator/ may not include \"runtime/runtime.h", "emulator/x.c: \"x.h\" is not",
        "runtime/p.c: <protobuf-c", "cache/cache.h: cycle", "cache/b.h: cycle", "daemon/h0.h: 6 headers",
        "daemon/h1.h: 5 headers"]


def test_includes():
    found = includes.complaints(TABLE)
    for want in WANT:
        assert any(f.startswith(want) for f in found), f"{want}: not in {found}"
    assert len(found) == len(WANT) + 1, found  # base/a.c reaches the cycle, too


def test_banned():
    body = 'int f(void)\n{\n\t/* free(x) */ puts("malloc(1)");\n\tmem_free(x);\n\tfree(x);\n}\n'
    assert banned.complaints("cache/a.c", body) == ["cache/a.c:5: free()"]
    assert banned.complaints("base/a.c", body) == []
    assert len(banned.complaints("base/a.c", "strcpy(a, b); exit(1);")) == 2
    assert banned.complaints("base/a.c", "y = math_exp(x) + sqrt(x);") == []
    assert len(banned.complaints("base/a.c", "y = __builtin_exp2f(x) + log(x) * acosh(x);")) == 3


def test_sizes():
    long = "int f(int a)\n{\n" + "\ta++;\n" * 70 + "\treturn a;\n}\n"
    large = sizes.measure("a.c", long)
    assert list(large) == ["a.c:f"], large
    assert sizes.complaints(large, {}) and not sizes.complaints(large, {"a.c:f": "a table"})
    assert sizes.complaints({}, {"a.c:f": "a table"}) and sizes.complaints(large, {"a.c:f": ""})


def test_words():
    assert words.complaints("a", "x\n// TO" + "DO: y") == ["a:2: TO" + "DO"]
    assert words.complaints("a", "workpiece, agent, method") == []


if __name__ == "__main__":
    test_includes()
    test_banned()
    test_sizes()
    test_words()
