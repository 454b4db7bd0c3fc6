#!/usr/bin/env python3
"""Writes the inputs that a search begins with: seeds.py FOLDER makes FOLDER/<target>/seed-<n>."""
import hashlib
import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import gguf  # noqa: E402

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "0123456789abcdef" * 4


def packed(value):
    return json.dumps(value, separators=(",", ":")).encode()


def refs():
    return ["llama3.2", "llama3.2:1b", "library/a:b", "host.example/ns/model:tag", "[::1]:5000/ns/m:t",
            "localhost:5000/model", "http://127.0.0.1:1/a/b", "https+insecure://h.x/n/m:t", "://h/n/m",
            f"m:t@{OTHER}", "REGISTRY.ollama.AI/Library/x", "a/b/c/d", "m:", "-x", "x@sha256:00",
            "a" * 81, "h" * 351 + "/n/m", "[1::2", "ns.x/m", "é", "ftp://h/n/m", ""]


def layer(size, digest=OTHER, media="application/vnd.ollama.image.model", **more):
    return {"mediaType": media, "digest": digest, "size": size, **more}


def manifests():
    whole = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
             "config": layer(485, DIGEST), "layers": [layer(12), layer(12), layer(0, "sha256:" + "0" * 64)]}
    return [whole, {**whole, "config": {"digest": "", "size": 0}}, {"layers": []}, {"layers": 1},
            {"layers": [layer(1), layer(2)]}, {"layers": [layer(1 << 62)]}, {"manifests": []}, [],
            {"config": layer(1, media="x; charset=\u202eutf-8")},
            {"layers": [layer((1 << 61) - 1, "sha256:%064x" % n) for n in range(3)]},
            {"layers": [layer(3, name="blk.0", **{"from": "/x"}), layer(4, "sha256:" + "A" * 64)]}]


def indexes():
    def entry(os, arch, n, **more):
        return layer(n, "sha256:%064x" % n, "application/vnd.oci.image.manifest.v1+json",
                     platform={"os": os, "architecture": arch, **more})
    three = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
             "manifests": [entry("linux", "amd64", 1), entry("linux", "arm64", 2, variant="v8"),
                           entry("unknown", "unknown", 3)]}
    one = {"manifests": [entry("plan9", "mips", 4)]}
    lists = {"mediaType": "application/vnd.ollama.manifest.list.v2+json", "manifests": []}
    many = {"manifests": [entry("os%d" % n, "\x1b[31mcpu", n) for n in range(12)]}
    return [platform.encode() + b"\n" + packed(value)
            for platform, value in (("", three), ("linux/arm64", three), ("linux/arm64/v8", three),
                                    ("x/y", three), ("linux", three), ("", one), ("", lists),
                                    ("", many), ("", {"manifests": [{}]}), ("", {"layers": []}))]


def challenges():
    return ['Bearer realm="https://ollama.com/token",service="ollama.com",scope="repository:library/m:pull"',
            'Basic realm="x"\nBearer realm="https://h/t?a=b&a=c;d&%7e=%zz",scope="a b  c"',
            "bearer SERVICE=s , realm=http://h/t#f", 'Bearer realm="a\\"b\\\\c", realm=two',
            'Negotiate, Basic realm="y", charset="UTF-8"', 'Bearer scope="x"', "Bearer realm=\"open",
            'Bearer realm="' + "x" * 2050 + '"', 'Bearer realm="https://h/?' + "&".join("abc") + '"',
            'Bearer realm="https://h/ é",service="é%"', "Digest a=b,c = d\tBearer\trealm = e"]


def heads():
    return ["HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-999/5000\r\nContent-Length: 1000\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Type: application/octet-stream\r\n\r\nX: y\r\n",
            "HTTP/1.0 100 Continue\n\nHTTP/1.1 307 T\nLocation: https://h/x?y#z\nContent-Location: /a\n\n",
            "HTTP/1.1 401 U\r\nWWW-Authenticate: Bearer realm=\"https://h/t\"\r\nwww-authenticate: Basic\r\n\r\n",
            "HTTP/1.1 429 T\r\nRetry-After: 120\r\n\r\n", "HTTP/1.1 503 S\r\nRetry-After: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 503 S\r\nRetry-After: Tue, 14 Nov 2023 23:13:20 GMT\r\n\r\n",
            "HTTP/1.1 206 P\r\nContent-Range: bytes */5000\r\nContent-Range: bytes 0-1/*\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nDocker-Content-Digest: " + DIGEST + "\r\n\r\n",
            "HTTP/1.1 206 P\nContent-Range: bytes 0-18446744073709551615/18446744073709551615\n\n",
            "HTTP/1.1 202 A\r\nDocker-Upload-Location: /u?_state=s\r\nRange: 0-41\r\nX-Direct-Upload-URL: https://s/x\r\n\r\n",
            "HTTP/1.1 204 N\nRange: bytes=0-0\nX-Signed-Header-X-Amz-Checksum: q=\nX-Signed-Header-: z\nRange: 1-2\n\n",
            "HTTP/2 200\r\nContent-Type:\ttext/html \t\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 abc\n", "x\n: y\n\n"]


def ranges():
    def head(flags, status, *numbers):
        wide = flags & 32
        return bytes([flags, status]) + b"".join(struct.pack(">Q" if wide else "B", n) for n in numbers)
    asked = bytes([0, 10, 20, 100])
    large = b"\x01" + struct.pack(">QQQ", 1 << 40, (1 << 40) + 64, 1 << 41)
    return [asked + head(7, 1, 10, 10, 20, 100), asked + head(1, 0, 100, 0, 0, 0), asked + head(0, 0) + b"\0\0\0\0TEXT/html",
            asked + head(7, 1, 9, 10, 20, 100), asked + head(6, 1, 0, 10, 21, 100), asked + head(2, 1, 0, 10, 20, 0),
            asked + head(15, 1, 10, 10, 20, 100), asked + head(23, 1, 10, 10, 20, 100), asked + head(7, 7, 10, 10, 20, 100),
            asked + head(7, 1, 10, 10, 20, 99), large + head(39, 1, 64, 1 << 40, (1 << 40) + 64, 1 << 41)]


def urls():
    return ["https://Registry.example:443/v2/\n/blobs/x?y=z#f", "https://h.x/a/b\n../c d\u00e9",
            "http://[::1]:5000/\n//other:81/x", "https://h/\nhttp://h/", "https://u:p@h/\nx", "http://h:0/\nftp://h/",
            "https://h/\nhttps://cdn.x/o?X-Amz-Date=20231114T221320Z&X-Amz-Expires=900&X-Amz-Signature=s",
            "https://h/\nhttps://g.x/o?X-Goog-Date=20231114T221320Z&X-Goog-Expires=253402300799",
            "https://h/\n?Expires=1700000900&Signature=q", "https://h/\n/b?se=2023-11-14T22%3A13%3A20Z&sig=q%3D",
            "https://h/?se=2023-11-14\n", "https://h/?expires=99999999999999999\n/\t", "h\n" + "x" * 50, "http:///x\n\\\\y"]


def checkpoints():
    def ours(spans, **more):
        return b"\0" + packed({"version": 2, "digest": DIGEST, "size": 1000000, "spans": spans, **more})

    def pullama(chunks):
        return b"\0" + packed({"version": 1, "digest": DIGEST, "size": 1000000, "chunks": [
            {"index": i, "start": a, "end": b, "verified": v} for i, (a, b, v) in enumerate(chunks)]})
    return [ours([[0, 1000], [2000, 3000]]), ours([]), ours([[0, 5], [5, 9]]), ours([[5, 5]]), ours([[9, 12], [3, 4]]),
            ours([[0, 1000001]]), ours([[-1, 4]]), ours([[0, 1 << 63]]), ours([[0, 1]], version=3), ours(7), ours([[1]]),
            ours([[0, 1]], size=999999), ours([[0, 1]], digest=OTHER), pullama([(0, 99, True), (100, 199, True), (200, 299, False)]),
            pullama([(0, 99, False), (100, 199, True)]), pullama([(0, (1 << 63) - 1, True)]), b"\0{", b"\0[]",
            b"\4" + packed({"version": 1, "digest": DIGEST, "size": (1 << 63) - 1,
                            "chunks": [{"start": 0, "end": (1 << 63) - 1, "verified": True}]})]


def lives():
    def slots(*pairs):
        return b"".join(struct.pack("=QQ", *pair) for pair in pairs)
    good = slots((0, 4096), (8192, 9000), (0, 0), (4096, 5000))
    return [b"\0\0\0" + good, b"\0\0\x05" + good, b"\0\x04\x10" + good, b"\0\0\x30" + good,
            b"\0\0\0" + slots((5, 4), (0, 1000000), (0, 1000001)), b"\2\0\0" + slots((0, (1 << 64) - 1), (1 << 63, 7)),
            b"\1\0" + bytes(range(0, 200, 3)), b"\1\x80\x00\xff", b"\1\x07" + bytes([9, 20, 30, 40, 20, 30, 0, 9, 50, 40]),
            b"\1\0" + bytes(n for n in range(1, 251, 2) for _ in (0, 1))]


def parts():
    return [bytes([kind]) + packed({"N": 0, "Offset": offset, "Size": size, "Completed": done})
            for kind, offset, size, done in ((0, 0, 1000000, 500), (0, 1000000, 0, 0), (0, 999999, 9, 2), (0, 5, 4, 5),
                                             (3, 1 << 39, 1 << 39, 1 << 39), (4, (1 << 63) - 1, (1 << 63) - 1, (1 << 63) - 1),
                                             (1, 0, 0, 0), (0, -1, 5, 5))] + [b"\0{}", b"\0[1]", b"\0"]


def counted(*items):
    return b"".join(struct.pack(">I", len(item)) + item for item in items)


def keys():
    """One of Ed25519, whose seed is no secret, and one of another kind."""
    seed = hashlib.sha256(b"no secret").digest()
    pkcs8 = bytes.fromhex("302e020100300506032b657004220420") + seed
    public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"], input=pkcs8,
                            capture_output=True, check=True).stdout[-32:]
    kind = b"ssh-ed25519"

    def openssh(cipher=b"none", check=b"\0\0\0\7", kind=kind, public=public, pad=b"\1\2\3\4\5", comment=b""):
        private = check * 2 + counted(kind, public, seed + public, comment) + pad
        return (b"openssh-key-v1\0" + counted(cipher, b"none", b"") + b"\0\0\0\1" + counted(counted(kind, public), private))
    short = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-outform", "DER"],
                           capture_output=True, check=True).stdout
    short = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"], input=short,
                           capture_output=True, check=True).stdout
    return [b"\1" + openssh(), b"\1" + openssh(comment=b"abcdefgh"), b"\1" + openssh(cipher=b"aes256-ctr"), b"\1" + openssh(kind=b"ssh-rsa"),
            b"\1" + openssh(public=bytes(32)), b"\1" + openssh(pad=b"\1\2\3\4\6"), b"\1" + openssh()[:-20], b"\2" + pkcs8, b"\2" + short,
            b"\2" + pkcs8[:-1], b"\0-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\0ssh-ed25519 AAAA",
            b"\0-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            b"\0-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\nAAAA\n-----END PRIVATE KEY-----\n"]


def ggufs():
    def text(value, width="<Q"):
        return struct.pack(width, len(value)) + value

    def pair(key, kind, value):
        return text(key) + struct.pack("<I", kind) + value

    def file(pairs, tensors=b"", count=0, magic=b"GGUF", version=3):
        return magic + struct.pack("<IQQ", version, count, len(pairs)) + b"".join(pairs) + tensors
    arch = pair(b"general.architecture", 8, text(b"llama"))
    small = [arch, pair(b"llama.context_length", 4, struct.pack("<I", 2048)), pair(b"llama.pooling_type", 4, struct.pack("<I", 1)),
             pair(b"llama.block_count", 10, struct.pack("<Q", 2)), pair(b"general.file_type", 4, struct.pack("<I", 15)),
             pair(b"tokenizer.chat_template", 8, text(b"{{ x }}")), pair(b"general.alignment", 4, struct.pack("<I", 64)),
             pair(b"tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 2) + text(b"a") + text(b"")),
             pair(b"x", 9, struct.pack("<IQ", 6, 3) + bytes(12)), pair(b"llama.embedding_length", 5, struct.pack("<i", -1))]
    tensor = text(b"blk") + struct.pack("<IQQIQ", 2, 4, 2, 1, 0)
    huge = text(b"w") + struct.pack("<IQQIQ", 2, 1 << 40, 1 << 40, 0, 0)
    big = b"FUGG" + struct.pack(">IQQ", 3, 0, 1) + struct.pack(">Q", 1) + b"k" + struct.pack(">II", 4, 7)
    one = b"GGUF" + struct.pack("<III", 1, 0, 1) + text(b"k\0") + struct.pack("<I", 8) + text(b"v\0")
    made = gguf.make(blocks=1, tensors=[("t", (4,), gguf.F32)])
    return [file(small, tensor, 1) + bytes(64), file(small, tensor, 1), file([arch]), file([], huge, 1), file([], huge * 2, 2), big, one,
            b"GGUF" + struct.pack(">IQQ", 3, 0, 0), file([], version=4), file([pair(b"k", 13, b"")]), b"GGUF", file([arch] * 3)[:-4],
            file([pair(b"k", 9, struct.pack("<IQ", 9, 1))]), file([pair(b"k", 9, struct.pack("<IQ", 0, 1 << 60))]),
            file([pair(b"general.alignment", 4, bytes(4))]), file([pair(b"k", 8, struct.pack("<Q", 1 << 40))]), made[:4000]]


def chunksums():
    def line(a, b, digest=OTHER):
        return f"{digest} {a}-{b}\n"
    size = struct.pack(">I", 300)
    return [size + text.encode() for text in (
        line(0, 99) + line(100, 299), line(100, 299) + line(0, 99), line(0, 299).strip(), line(0, 99), line(0, 300),
        line(0, 150) + line(100, 299), line(5, 4), OTHER, "", line(0, "18446744073709551616"), line(0, 299, DIGEST.upper()),
        f"\t{DIGEST}\r\n0-299\r\n")]


def texts():
    return [struct.pack(">Q", n) + text for n, text in (
        (0, b"64MiB"), (999, b"1.5G"), (1000, b"1h30m"), (1 << 63, b"500ms"), ((1 << 64) - 1, b"18446744073709551615"),
        (9950, b"1.123456T"), (59999, b"1.1234567s"), (3600000, b"7d"), (10 ** 9, b"10 MB"), (1500000, b"16777216T"),
        (7, b"\x1b[31mred\x07"), (8, "é漢🎉".encode()), (9, b"\xc3"), (10, b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf"),
        (11, "a\u202eb\u2066c\u009bd\u2028".encode()), (12, b"\xf0\x9f\x8e"))]


def jsons():
    return [b'{"a":[1,2.5,-3,true,null,"x"],"b":{"c":{}}}', b"1e999", b'"\\u0000"', b'"\\ud83c\\udf89\\n"', b"[" * 40, b'{"a":1,"a":2}',
            b'"\xff"', b"9223372036854775808", b"-0.0", b"[1e-7,0.1]", b"{}x", b'"\\"]"', b'{"\x01":1}', b"\xc2\x9b\xe2\x80\xae", b""]


def params():
    return [b'{"stop":["<|a|>","\\u003cb\\u003e"],"temperature":0.7,"num_ctx":4096,"x":true}', b"{}", b'{"a":[]}', b' { "a" : [ 1 , "b\\"" ] } ',
            b'{"a":{"b":1}}', b'{"a":}', b'{"a":1', b'{"a":1}x', b'{"a":"\\u0026\\\\"}', b'{a:1}', b'{"a":null}', b'["a"]', b'{"a":[[1]]}']


def spans():
    return [bytes(row) for row in ([1, 0, 10, 1, 20, 30, 1, 10, 20], [1, 0, 255, 0, 5, 9, 0, 0, 5], [1, 9, 3], [0, 1, 2],
                                   [1, 4, 8, 1, 2, 4, 1, 3, 200, 0, 0, 255], sum(([1, n, n + 1] for n in range(0, 250, 2)), []))]


def encodes():
    return [b"", b"QQ==", b"QUI=", b"QUJD", b"QUJ D\r\nRA==", b"QR==", b"Q", b"Q===", b"=", b"QU=I", b"-_", b"00ff", b"0", b"0G"]


def sessions():
    target = "https://registry.example.org/v2/team/tiny"
    name = "push-0123456789abcdef.json"

    def record(*uploads, name=name, **more):
        return name.encode() + b"\n" + packed({"version": 1, "target": target, "uploads": list(uploads), **more})

    def upload(**more):
        return {"digest": DIGEST, "size": 1000, "location": target + "/blobs/uploads/7?_state=a%2Fb", "offset": 500,
                "time": 1795276000, **more}
    md5 = "d41d8cd98f00b204e9800998ecf8427e"
    return [record(), record(upload()), record(upload(), upload(digest=OTHER, offset=0)), record(upload(), upload()),
            record(upload(part=250, md5=[md5, md5])), record(upload(part=250, md5=[md5])), record(upload(part=300, md5=[md5] * 4, offset=1000)),
            record(upload(part=0, md5=[])), record(upload(part=250)), record(upload(md5=[])), record(upload(offset=1001)), record(upload(offset=-1)),
            record(upload(size=1 << 63)), record(upload(location="")), record(upload(location="a b")), record(upload(location="x" * 9000)),
            record(upload(time=0)), record(upload(time="now")), record(upload(digest="sha256:00")), record(version=2), record(target="x"),
            record(uploads=7), record(upload(part=250, md5=["zz", md5])), record(name="push-0123456789abcdef.lock"),
            record(name="push-0123456789ABCDEF.json"), record(name="push-0123456789abcdef.json.tmp"), b"\n{", b""]


def legacies():
    def entry(**more):
        return {"model": "llama3.2", "tag": "latest", "status": "queued", "added_at": "2026-11-21T18:27:37.1Z",
                "finished_at": "0001-01-01T00:00:00Z", **more}
    queues = [[entry()], [entry(), entry(model="user/m", status="failed", error="not found")], [entry(status="active"), entry(tag="7b")],
              [entry(status="paused")], [entry(model=7)], [entry(tag=None)], [entry(), 7], [entry(model="..")], [entry(model="x" * 2000)], None, 7]
    return [packed({"entries": queue}) for queue in queues] + [b"", b"{}", b"[]", b'{"entries":[}', b"[" * 50]


def proxies():
    return ["http://h.example/\nexample", "https://a.h.example/\n.h.example,x", "http://h:8080/\nh:8080 h:9", "http://10.1.2.3/\n10.0.0.0/8",
            "http://[fd00::1]:80/\nfd00::/8", "http://[fd00::1]/\n[fd00::1]:80", "http://h/\n*", "http://localhost/\n", "socks5h://h:1\nx",
            "http://h.example/\n*.example", "http://1.2.3.4/\n1.2.3.4/33,1.2.3.4:81"]


def docker_configs():
    entry = {"auth": "YW5uOnB3"}
    values = [(0, {"auths": {"https://r.example/v1/": entry, "r.example": {**entry, "email": "x"}}, "z": [1.5, None]}),
              (0, {"credHelpers": {"r.example": "pass"}, "credsStore": "desktop", "auths": {"r.example": {}}}),
              (1, {"auths": {"127.0.0.1:5000": {"username": "ann", "password": "pw"}, "127.0.0.1": entry}}),
              (2, {"auths": {"https://index.docker.io/v1/": {"auth": "YW5uOg==", "identitytoken": "t"}}}),
              (3, {"auths": {"[::1]:81": {"registrytoken": "t"}, "http://[::1]:81": entry}}),
              (0, {"ServerURL": "r.example", "Username": "ann", "Secret": "p:w"}), (0, {"Username": "<token>", "Secret": "x"}),
              (0, {"auths": 7}), (0, {"auths": {"r.example": 7}}), (0, {"auths": {"r.example": {"auth": "YTpiCmM="}}}),
              (0, {"credsStore": "../../bin/sh"}), (0, {"auths": None, "credHelpers": []})]
    return [bytes([number]) + packed(value) for number, value in values]


def archives():
    """One model of two small blobs, in the forms that other programs write."""
    blobs = [b"weights " * 40, b"{}"]
    names = ["sha256:" + hashlib.sha256(blob).hexdigest() for blob in blobs]
    manifest = packed({"schemaVersion": 2, "config": layer(2, names[1]), "layers": [layer(320, names[0])]})
    files = [(f"blobs/{name.replace(':', '-')}", blob) for name, blob in zip(names, blobs)]
    files += [("manifests/127.0.0.1%3A5000/library/m/v1", manifest)]

    def made(method, prefix="", comment=b"", force=False, only=3):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for name, data in files[-only:]:
                info = zipfile.ZipInfo(prefix + name)
                info.compress_type = method
                info.external_attr = 0o100644 << 16
                with archive.open(info, "w", force_zip64=force) as entry:
                    entry.write(data)
            archive.comment = comment
        return out.getvalue()

    plain = made(zipfile.ZIP_STORED)
    at = len(plain) - 22
    count, _, size, start = struct.unpack("<HHII", plain[at + 8:at + 20])
    large = (plain[:at] + b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
             + b"PK\6\7" + struct.pack("<IQI", 0, at, 1) + b"PK\5\6"
             + struct.pack("<HHHHIIH", 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0))
    return [plain, made(zipfile.ZIP_DEFLATED), made(zipfile.ZIP_STORED, "models/"), large,
            made(zipfile.ZIP_DEFLATED, force=True), made(zipfile.ZIP_STORED, comment=b"PK\5\6"),
            made(zipfile.ZIP_STORED, only=1), plain[:-1], plain[1:], b"PK\5\6" + bytes(18), plain.replace(b"blobs", b"../x/")]


ALL = {
    "archive": archives,"docker_config": docker_configs, "ref": refs, "manifest": manifests, "index": indexes, "challenge": challenges, "http_head": heads, "range": ranges,
       "url": urls, "checkpoint": checkpoints, "live": lives, "part": parts, "sshkey": keys, "gguf": ggufs,
       "chunksums": chunksums, "text": texts, "json": jsons, "params": params, "spans": spans, "encode": encodes, "proxy": proxies, "sessions": sessions,
       "legacy": legacies}


def main(folder):
    for target, make in ALL.items():
        place = Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(make()):
            content = seed if isinstance(seed, bytes) else seed.encode() if isinstance(seed, str) else packed(seed)
            (place / f"seed-{number:02}").write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1])
