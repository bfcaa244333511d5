"""Words that have no place here: one machine's paths, registries' hosts, unfinished work.

The project names packages and lets the system's clients find them; it speaks of itself only."""
import re
import sys

import sources

# Written in two halves, so that this file does not hold them.
WORDS = ["/wo" "rk/", "/tmp/" "venv", "/tmp/" "build", "/tmp/" "brief", "/ro" "ot/", "deb.deb" "ian",
         "py" "pi.org", "python" "hosted", "npm" "js.org", "proxy.gol" "ang", "TO" "DO", "FIX" "ME",
         "for n" "ow", "sub" "agent", "AI ag" "ent", "this ses" "sion", "clau" "de", "anthro" "pic",
         "chat" "gpt", "language mo" "del", "../sha" "red"]
PATTERN = re.compile("|".join(rf"(?<!\w){re.escape(w)}" if w[0].isalpha() else re.escape(w)
                              for w in WORDS), re.I)
BINARY = (".onnx", ".png", ".npy", ".pb", ".ttf")


def complaints(name, body):
    return [f"{name}:{body.count(chr(10), 0, m.start()) + 1}: {m[0]}"
            for m in PATTERN.finditer(body)]


if __name__ == "__main__":
    every = [c for n in sources.files() if not n.endswith(BINARY)
             for c in complaints(n, sources.text(n))]
    sys.exit(sources.verdict("words", every))
