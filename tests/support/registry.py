#!/usr/bin/env python3
"""A scripted model registry with an object store behind it, on loopback, that can misbehave.

    with Registry(mode="redirect") as registry:
        registry.add("library/m", "latest", model.small())
        registry.fault("/blobs/", reset_at=1000, times=1)
        ...                                  # pull registry.name("library/m")
        registry.requests("/blobs/")         # what was asked

`registry.py --demo REPOSITORY` serves a small model, prints its reference and waits for the end of
its standard input.
"""
import hmac
import json
import re
import sys
import threading
import time
from pathlib import Path

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "support"  # noqa: A001

from . import model as models
from .faults import Fault, Rules
from .wire import Gate, Response, Server, blob_response

REPOSITORY = re.compile(r"^/v2/(?P<name>.+)/(?P<kind>manifests|blobs|chunksums)/(?P<reference>[^/]+)$")


class Redirects:
    """How blob requests are sent on to the object store."""

    def __init__(self, status=307, form="absolute", hops=0, seconds=None, uses=None, expired=403,
                 signed=True, target=None):
        self.status = status
        self.form = form          # "absolute", "relative", "network" (//host/…), "loop"
        self.hops = hops          # more redirects before the object
        self.seconds = seconds    # life of a signature
        self.uses = uses          # requests that a signature is good for
        self.expired = expired    # status of a request with an expired signature
        self.signed = signed
        self.target = target      # a Location to give, whatever it is; may be a function of the digest


class Registry:
    """Models, served from the registry itself (mode "direct") or from a second server ("redirect")."""

    def __init__(self, mode="direct", realm=None, redirects=None, tls=None, rate=0,
                 manifest_type=models.MANIFEST_TYPE, digest_header=True, greets=True, inbox=None):
        self.greets = greets      # answers GET /v2/, as all but Ollama's do
        self.mode, self.realm, self.redirects = mode, realm, redirects or Redirects()
        self.manifest_type, self.digest_header = manifest_type, digest_header
        self.manifests, self.blobs, self.sums = {}, {}, {}
        self.log, self.rules, self.gate = [], Rules(), Gate()
        self.lock = threading.Lock()
        self.secret = b"key of the object store in tests"
        self.spent = {}
        self.serial = 0
        self.registry = Server("registry", self.answer, self.rules, self.log, self.gate, tls, rate, inbox)
        self.cdn = Server("cdn", self.answer_object, self.rules, self.log, self.gate, tls, rate, inbox)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.registry.stop()
        self.cdn.stop()

    # ---- what is served ----

    @property
    def host(self):
        return self.registry.host

    def name(self, repository, tag="latest", scheme=True):
        """The reference to pull by; with its scheme typed unless told otherwise."""
        prefix = f"{'https' if self.registry.tls else 'http'}://" if scheme else ""
        return f"{prefix}{self.host}/{repository}:{tag}"

    def add(self, repository, tag, model, manifest=None):
        """Serves a model; manifest replaces its manifest's bytes. Returns the model."""
        self.put_manifest(repository, tag, model.manifest if manifest is None else manifest)
        self.blobs.update(model.blobs)
        return model

    def add_model(self, repository, tag="latest", layers=(), config=None, manifest=None):
        return self.add(repository, tag, models.Model(list(layers), config, manifest))

    def put_manifest(self, repository, tag, raw):
        self.manifests[repository, tag] = raw
        self.manifests[repository, models.digest_of(raw)] = raw

    def add_index(self, repository, tag, by_platform):
        """Serves an image index; by_platform maps "os/arch" to a model."""
        entries = []
        for platform, model in by_platform.items():
            self.add(repository, model.digest, model)
            system, _, arch = platform.partition("/")
            entries.append({"mediaType": models.MANIFEST_TYPE, "digest": model.digest,
                            "size": len(model.manifest),
                            "platform": {"os": system, "architecture": arch}})
        raw = json.dumps({"schemaVersion": 2, "mediaType": models.INDEX_TYPE, "manifests": entries})
        self.put_manifest(repository, tag, raw.encode())
        return raw.encode()

    def add_chunksums(self, digest, size=models.MIB, wrong=(), missing=()):
        """Serves chunk digests of a blob; wrong and missing are indexes of lines."""
        data, lines = self.blobs[digest], []
        for index, start in enumerate(range(0, len(data), size)):
            part = data[start:start + size]
            chunk = models.digest_of(b"wrong" if index in wrong else part)
            if index not in missing:
                lines.append(f"{chunk} {start}-{start + len(part) - 1}\n")
        self.sums[digest] = "".join(lines).encode()

    # ---- misbehaviour and what was seen ----

    def fault(self, pattern, times=None, method=None, server=None, when=None, skip=0, **fault):
        """Bends answers to requests whose target matches; see faults.Fault for the ways."""
        return self.rules.add(pattern, Fault(**fault), times, method, server, when, skip)

    def requests(self, pattern="", method=None, server=None):
        found = re.compile(pattern)
        return [r for r in list(self.log) if found.search(r.target) and method in (None, r.method)
                and server in (None, r.server)]

    def blob_bytes(self, digest=None):
        """Payload bytes handed to the network so far."""
        return sum(r.sent for r in list(self.log) if r.status in (200, 206)
                   and re.search(r"/(blobs|objects)/", r.target) and (digest is None or digest in r.target))

    def forget(self):
        """Empties the log, the rules and the byte counters."""
        self.log.clear()
        self.rules.clear()
        self.gate.limit(None)
        self.gate.passed = 0

    # ---- answers ----

    def answer(self, request):
        if request.path == "/token" and self.realm:
            return self.realm.issue(request, self.registry.url)
        if request.path.startswith(("/objects/", "/hop/")):
            return self.answer_object(request)
        if request.path == "/v2/" and self.greets:
            if self.realm and not self.realm.is_authorized(request):
                return self.realm.challenge(request, self.registry.url, "")
            return Response(200, b"{}", {"Content-Type": "application/json"})
        found = REPOSITORY.match(request.path)
        if not found:
            return Response(404, b"404 page not found", {"Content-Type": "text/plain"})
        if self.realm and not self.realm.is_authorized(request):
            return self.realm.challenge(request, self.registry.url, f"repository:{found['name']}:pull")
        return getattr(self, "answer_" + found["kind"])(request, found["name"], found["reference"])

    def answer_manifests(self, request, name, reference):
        raw = self.manifests.get((name, reference))
        if raw is None:
            return Response(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        headers = {"Content-Type": self.manifest_type}
        if self.digest_header:
            headers["Docker-Content-Digest"] = models.digest_of(raw)
        return Response(200, raw, headers)

    def answer_chunksums(self, request, name, reference):
        if reference not in self.sums:
            return Response(404, b"404 page not found")
        return Response(200, self.sums[reference], {
            "Content-Type": "text/plain",
            "Content-Location": f"{self.registry.url}/v2/{name}/blobs/{reference}"})

    def answer_blobs(self, request, name, reference):
        data = self.blobs.get(reference)
        if data is None:
            return Response(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        if self.mode == "direct":
            return blob_response(request, data)
        return Response(self.redirects.status, b"", {"Location": self.location(reference)})

    def location(self, digest):
        way = self.redirects
        if way.target is not None:
            return way.target(digest) if callable(way.target) else way.target
        if way.form == "loop":
            return "/hop/loop/" + digest
        path = f"/hop/{way.hops}/{digest}" if way.hops else "/objects/" + digest
        if way.signed:
            path += "?" + self.sign(digest)
        if way.form == "relative":
            return path
        return (f"//{self.cdn.host}" if way.form == "network" else self.cdn.url) + path

    def sign(self, digest):
        with self.lock:
            self.serial += 1
            serial = self.serial
        until = time.time() + (self.redirects.seconds or 3600)
        mark = hmac.new(self.secret, f"{digest}{serial}{until}".encode(), "sha256").hexdigest()
        return f"Expires={int(until)}&until={until}&serial={serial}&Signature={mark}"

    def is_signature_good(self, request, digest):
        query = {key: values[0] for key, values in request.query.items()}
        if not {"until", "serial", "Signature"} <= query.keys():
            return False
        mark = hmac.new(self.secret, f"{digest}{query['serial']}{query['until']}".encode(),
                        "sha256").hexdigest()
        with self.lock:
            used = self.spent[query["serial"]] = self.spent.get(query["serial"], 0) + 1
        return (hmac.compare_digest(mark, query["Signature"]) and time.time() < float(query["until"])
                and (self.redirects.uses is None or used <= self.redirects.uses))

    def answer_object(self, request):
        """The object store: refuses credentials, as real ones do, and checks its signatures."""
        _, kind, *rest = request.path.split("/")
        if kind == "hop" and len(rest) == 2:
            return self.answer_hop(request, *rest)
        digest = rest[0] if kind == "objects" and len(rest) == 1 else ""
        if digest not in self.blobs:
            return Response(404, b"<Error><Code>NoSuchKey</Code></Error>")
        if "authorization" in request.headers:
            return Response(400, b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism"
                                 b" allowed</Message></Error>")
        if self.redirects.signed and not self.is_signature_good(request, digest):
            return Response(self.redirects.expired, b"<Error><Code>AccessDenied</Code></Error>")
        return blob_response(request, self.blobs[digest])

    def answer_hop(self, request, left, digest):
        if left == "loop":
            return Response(self.redirects.status, b"", {"Location": request.target})
        query = request.target.partition("?")[2]
        path = f"/hop/{int(left) - 1}/{digest}" if int(left) > 1 else "/objects/" + digest
        return Response(self.redirects.status, b"", {"Location": f"{path}?{query}"})


def serve_demo(repository):
    """Serves a model until standard input ends, slowly enough to watch."""
    with Registry(mode="redirect", rate=6 * models.MIB) as registry:
        registry.add(repository, "latest", models.whole(size=32 * models.MIB))
        print(registry.name(repository), flush=True)
        sys.stdin.read()


def main(arguments):
    if len(arguments) != 2 or arguments[0] != "--demo":
        print(__doc__.strip(), file=sys.stderr)
        return 64
    serve_demo(arguments[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
