"""Calls that are not made: unsafe strings anywhere, allocation outside base/, exits below main, and the
C library's functions that are not exact (base/math.h has ours)."""
import re
import sys

import sources

# Calls, and the paths that may make them.
BANNED = (
    (r"strcpy|stpcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gets|alloca",
     r"$^"),
    (r"malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf", r"base/|tests/"),
    (r"exit|abort", r"base/base\.c|.*/main\.c|tests/"),
    (r"setjmp|longjmp|sigsetjmp|siglongjmp", r"$^"),
    (r"(?:__builtin_)?(?:a?(?:sin|cos|tan)h?|atan2|sincos|exp|exp2|exp10|expm1|log|log2|log10|log1p|pow|cbrt|hypot|"
     r"erfc?|tgamma|lgamma)[fl]?", r"tests/"),
)


def complaints(name, body):
    found = []
    for calls, where in BANNED:
        if re.match(where, name):
            continue
        for match in re.finditer(rf"(?<![\w.>])({calls})\s*\(", sources.code(body)):
            line = body.count("\n", 0, match.start()) + 1
            found.append(f"{name}:{line}: {match[1]}()")
    return found


if __name__ == "__main__":
    every = [c for n in sources.files(".c", ".h") for c in complaints(n, sources.text(n))]
    sys.exit(sources.verdict("banned calls", every))
