"""Reads and writes artifacts (.occ) from the bytes that runtime/README.md documents,
independently of the C code, so that tests can plant a bug in a kernel and seal the file again."""
import hashlib
import json
import struct

HEADER = struct.Struct("<8sIIQQ32s")
ALIGN = 4096


def read(path):
    """Manifest (dict) and blobs (name -> bytes, in file order)."""
    data = open(path, "rb").read()
    magic, version, zero, manifest_len, total, digest = HEADER.unpack(data[:64])
    assert magic == b"OCCAMY\r\n" and version == 1 and zero == 0 and total == len(data)
    text = data[64 : 64 + manifest_len]
    assert hashlib.sha256(text).digest() == digest
    manifest = json.loads(text)
    blobs = {}
    for b in manifest["blobs"]:
        blobs[b["name"]] = data[b["offset"] : b["offset"] + b["bytes"]]
        assert b["digest"] == "sha256:" + hashlib.sha256(blobs[b["name"]]).hexdigest()
    return manifest, blobs


def _table(blobs, start):
    table, at = [], start
    for name, data in blobs.items():
        at = -(-at // ALIGN) * ALIGN
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        table.append({"name": name, "digest": digest, "bytes": len(data), "offset": at})
        at += len(data)
    return table, at


def seal(manifest, blobs):
    """The file's bytes: manifest and blobs with fresh digests; the manifest's length and the offsets settle."""
    manifest, length = dict(manifest), 0
    while True:
        manifest["blobs"], total = _table(blobs, 64 + length)
        text = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) == length:
            break
        length = len(text)
    digest = hashlib.sha256(text).digest()
    out = bytearray(total)
    out[:64] = HEADER.pack(b"OCCAMY\r\n", 1, 0, len(text), total, digest)
    out[64 : 64 + len(text)] = text
    for b in manifest["blobs"]:
        out[b["offset"] : b["offset"] + b["bytes"]] = blobs[b["name"]]
    return bytes(out)


def write(path, manifest, blobs):
    open(path, "wb").write(seal(manifest, blobs))


def plan(blobs):
    return json.loads(blobs["plan"])


def edit_ptx(path, out, edit):
    """Writes a copy in which edit(entry, ptx) -> ptx has changed the kernels' PTX; cubins are dropped."""
    manifest, blobs = read(path)
    plan, code = json.loads(blobs["plan"]), bytearray()
    for k in plan["kernels"]:
        at, size = k["ptx"]
        ptx = blobs["code"][at : at + size].rstrip(b"\0").decode()
        ptx = edit(k["entry"], ptx).encode() + b"\0"
        k["ptx"] = [len(code), len(ptx)]
        code += ptx + b"\0" * (-len(ptx) % 16)
        k["cubin"] = [len(code), 0]
    blobs["plan"] = json.dumps(plan, separators=(",", ":")).encode()
    blobs["code"] = bytes(code)
    manifest["module_bytes"] = 0
    write(out, manifest, blobs)
