"""The writing side of the scripted registry: uploads in every form, checked as a registry checks them.

    with PushRegistry(form="parts") as registry:
        ...                                  # push to registry.name("alice/m")
        registry.repositories["alice/m"]     # digests that are there
        registry.problems                    # what a strict registry or object store did not like
"""
import base64
import hashlib
import hmac
import json
import re
import threading
import time
import uuid

from . import model as models
from .registry import Registry
from .tokens import Realm
from .wire import Gate, Response

UPLOADS = re.compile(r"^/v2/(?P<name>.+)/blobs/uploads/(?P<id>[^/]*)$")
MANIFEST = re.compile(r"^/v2/(?P<name>.+)/manifests/(?P<tag>[^/]+)$")
BLOB = re.compile(r"^/v2/(?P<name>.+)/blobs/(?P<digest>sha256:[0-9a-f]{64})$")


def refusal(status, code, text=""):
    body = json.dumps({"errors": [{"code": code, "message": text or code.lower().replace("_", " ")}]})
    return Response(status, body.encode(), {"Content-Type": "application/json"})


class ScopedRealm(Realm):
    """Gives tokens for what was asked for, and holds requests to it."""

    def __init__(self, *arguments, writers=None, **options):
        super().__init__(*arguments, **options)
        self.scopes = {}
        self.writers = writers    # namespaces that may be written to; None: all

    def issue(self, request, base_url):
        response = super().issue(request, base_url)
        if response.status == 200:
            granted = set()
            for scope in " ".join(request.query.get("scope", [])).split():
                kind, name, actions = scope.split(":")
                allowed = self.writers is None or name.split("/")[0] in self.writers
                granted |= {(name, action) for action in actions.split(",") if allowed or action == "pull"}
            self.scopes[json.loads(response.body)[self.member]] = granted
        return response

    def allows(self, request, wanted):
        """wanted: set of (repository, action)."""
        token = request.headers.get("authorization", "").partition(" ")[2]
        return wanted <= self.scopes.get(token, set()) and self.is_authorized(request)


class Session:
    def __init__(self, name):
        self.name, self.id = name, uuid.uuid4().hex
        self.data = bytearray()
        self.states = [uuid.uuid4().hex]   # each answer names a new one
        self.parts = {}                    # offset → bytes, of the object store
        self.direct = None

    def next_state(self):
        self.states.append(uuid.uuid4().hex)
        return self.states[-1]

    @property
    def taken(self):
        at = len(self.data)
        while at in self.parts:
            at += len(self.parts[at])
        return at


class PushRegistry(Registry):
    """form: "plain"; "parts", sent to the object store one by one; "direct", whole; "ollama", both."""

    def __init__(self, form="plain", old=False, relative=False, mounts=True, most=None, expires=None, drops=True, **options):
        self.inbox = Gate()
        self.form = form
        self.old = old            # as Distribution 2: says 0-0, and drops what broke off
        self.relative = relative
        self.mounts = mounts
        self.most = most          # bytes of a request's body
        self.drops = drops        # sessions, when it is asked to
        self.expires = expires    # requests that a target is good for
        self.sessions, self.repositories, self.problems, self.targets = {}, {}, [], {}
        self.writing = threading.RLock()
        super().__init__(inbox=self.inbox, **options)

    # ---- what was seen ----

    def wire_bytes(self, pattern=""):
        """Body bytes of requests that were read."""
        return sum(r.received for r in self.requests(pattern))

    def forget(self):
        super().forget()
        self.inbox.limit(None)
        self.inbox.passed = 0

    def has(self, name, digest):
        return digest in self.repositories.get(name, ())

    def add(self, repository, tag, model, manifest=None):
        self.repositories.setdefault(repository, set()).update(model.blobs)
        return super().add(repository, tag, model, manifest)

    def check_pushed(self, repository, tag, model):
        """All is there, byte for byte, and nothing was done that a strict peer would mind."""
        assert not self.problems, self.problems
        assert self.manifests[repository, tag] == model.manifest
        for digest, data in model.blobs.items():
            assert self.has(repository, digest) and self.blobs[digest] == data, digest

    def complain(self, text):
        self.problems.append(text)

    # ---- requests to the registry ----

    def answer(self, request):
        upload, manifest, blob = (r.match(request.path) for r in (UPLOADS, MANIFEST, BLOB))
        found = upload or manifest or blob
        writes = bool(upload) or request.method == "PUT"
        if not found or request.path == "/token":
            return super().answer(request)
        if self.realm and hasattr(self.realm, "allows"):
            refused = self.refuse(request, found["name"], writes)
            if refused:
                return refused
        elif self.realm and not self.realm.is_authorized(request):
            return self.realm.challenge(request, self.registry.url, f"repository:{found['name']}:pull")
        if upload:
            return self.answer_upload(request, upload["name"], upload["id"])
        if manifest and request.method == "PUT":
            return self.put_manifest_of(request, manifest["name"], manifest["tag"])
        if blob and not self.has(blob["name"], blob["digest"]):
            return refusal(404, "BLOB_UNKNOWN")
        return getattr(self, "answer_" + ("blobs" if blob else "manifests"))(
            request, found["name"], found["digest"] if blob else found["tag"])

    def refuse(self, request, name, writes):
        scopes = {(name, "pull"), *([(name, "push")] if writes else [])}
        if source := request.query.get("from", [None])[0]:
            scopes.add((source, "pull"))
        if self.realm.allows(request, scopes):
            return None
        text = f"repository:{name}:pull{',push' if writes else ''}"
        if source:
            text += f" repository:{source}:pull"
        return self.realm.challenge(request, self.registry.url, text)

    def put_manifest_of(self, request, name, tag):
        raw = request.stream.read()
        manifest = json.loads(raw)
        if request.headers.get("content-type") != manifest.get("mediaType"):
            self.complain(f"manifest as {request.headers.get('content-type')}")
        entries = [*manifest["layers"], manifest["config"]]
        missing = [entry["digest"] for entry in entries if not self.has(name, entry["digest"])]
        if missing:
            return refusal(400, "MANIFEST_BLOB_UNKNOWN", f"blobs unknown to registry: {missing}")
        self.put_manifest(name, tag, raw)
        return Response(201, b"", {"Docker-Content-Digest": models.digest_of(raw),
                                   "Location": f"/v2/{name}/manifests/{models.digest_of(raw)}"})

    def answer_upload(self, request, name, number):
        if request.method == "POST" and not number:
            return self.open(request, name)
        session = self.sessions.get(number)
        state = request.query.get("_state", [""])[0]
        if request.query.get("x") != ["a/b="]:
            self.complain(f"the session's own query is gone: {request.target}")
        if session is None or session.name != name:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN")
        if state not in session.states:
            return refusal(400, "BLOB_UPLOAD_INVALID")
        if request.method == "DELETE" and self.drops:
            del self.sessions[number]
            return Response(204)
        latest = state == session.states[-1]
        if self.old and (not latest or getattr(session, "broken", False)):
            return refusal(400, "BLOB_UPLOAD_INVALID", "upload resumed at wrong offset")
        if request.method == "GET":
            return self.tell(session)
        if request.method == "PATCH":
            return self.patch(request, session)
        if request.method == "PUT":
            return self.commit(request, session)
        return refusal(405, "UNSUPPORTED")

    def address(self, session, state):
        path = f"/v2/{session.name}/blobs/uploads/{session.id}?_state={state}&x=a%2Fb%3D"
        return path if self.relative else self.registry.url + path

    def going_on(self, session, status, fresh=False):
        taken = 0 if fresh else session.taken
        return Response(status, b"", {
            "Location": self.address(session, session.next_state() if not fresh else "poison"),
            "Range": f"0-{max(taken - 1, 0)}", "Docker-Upload-UUID": session.id})

    def tell(self, session):
        return self.going_on(session, 204, fresh=self.old)

    def open(self, request, name):
        digest, source = (request.query.get(key, [None])[0] for key in ("mount", "from"))
        if digest and self.mounts and self.has(source, digest):
            self.repositories.setdefault(name, set()).add(digest)
            return Response(201, b"", {"Docker-Content-Digest": digest, "Location": f"/v2/{name}/blobs/{digest}"})
        with self.writing:
            session = Session(name)
            self.sessions[session.id] = session
        response = Response(202, b"", {"Location": self.address(session, session.states[-1]), "Range": "0-0"})
        if request.headers.get("x-redirect-uploads") == "2" and self.form in ("direct", "ollama"):
            return self.open_direct(request, session, response)
        if "digest" in request.query and self.form == "strict":
            return refusal(400, "DIGEST_INVALID", "an empty body does not have this digest")
        return response

    def open_direct(self, request, session, response):
        digest = request.query["digest"][0]
        length = int(request.headers["x-content-length"])
        check = base64.b64encode(bytes.fromhex(digest[7:])).decode()
        session.direct = {"digest": digest, "length": length, "check": check}
        response.headers["X-Direct-Upload-URL"] = self.cdn.url + self.signed(f"/direct/{session.id}")
        response.headers["X-Signed-Header-X-Amz-Checksum-Sha256"] = check
        response.headers["X-Signed-Header-Content-Type"] = "application/x-model"
        return response

    def signed(self, path):
        serial = uuid.uuid4().hex
        mark = hmac.new(self.secret, f"{path}{serial}".encode(), "sha256").hexdigest()
        self.targets[serial] = 0
        return f"{path}?serial={serial}&sig={mark}"

    def patch(self, request, session):
        span = re.fullmatch(r"(\d+)-(\d+)", request.headers.get("content-range", ""))
        if not span:
            self.complain("a PATCH without a range")
            return refusal(400, "RANGE_INVALID")
        start, end = int(span[1]), int(span[2]) + 1
        if end - start != request.length:
            self.complain(f"range {span[0]} with {request.length} bytes")
        if self.most is not None and request.length > self.most:
            return refusal(413, "SIZE_INVALID", "too large for this server")
        if self.form in ("parts", "ollama") and request.headers.get("x-redirect-uploads") == "1":
            return Response(307, b"", {
                "Docker-Upload-Location": self.address(session, session.next_state()),
                "Location": self.cdn.url + self.signed(f"/parts/{session.id}/{start}/{end}")})
        if not self.old and start != len(session.data):
            return refusal(416, "RANGE_INVALID")
        return self.append(request, session)

    def append(self, request, session):
        try:
            for piece in request.stream:
                session.data += piece
        except BaseException:
            session.broken = request.received > 0
            raise
        return self.going_on(session, 202)

    def commit(self, request, session):
        digest = request.query.get("digest", [""])[0]
        if request.length:
            self.append(request, session)
        data = bytes(session.data)
        if session.parts:
            data, etag = self.assemble(session)
            if request.query.get("etag", [None]) != [etag]:
                self.complain(f"etag {request.query.get('etag')} instead of {etag}")
                return refusal(400, "DIGEST_INVALID", "etag")
        if models.digest_of(data) != digest:
            self.sessions.pop(session.id)
            return refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        with self.writing:
            self.sessions.pop(session.id, None)
            self.blobs[digest] = data
            self.repositories.setdefault(session.name, set()).add(digest)
        return Response(201, b"", {"Docker-Content-Digest": digest, "Location": f"/v2/{session.name}/blobs/{digest}"})

    def assemble(self, session):
        data, marks = b"", b""
        if session.direct:
            return session.parts[0], None
        for offset in sorted(session.parts):
            if offset != len(data):
                self.complain(f"a gap before part {offset}")
            data += session.parts[offset]
            marks += hashlib.md5(session.parts[offset]).digest()
        return data, f"{hashlib.md5(marks).hexdigest()}-{len(session.parts)}"

    # ---- requests to the object store ----

    def answer_object(self, request):
        kind = request.path.split("/")[1]
        if kind not in ("parts", "direct"):
            return super().answer_object(request)
        for name in ("authorization", "cookie", "x-redirect-uploads"):
            if name in request.headers:
                self.complain(f"{name} at the object store")
                return Response(400, b"<Error/>")
        if request.method != "PUT" or not self.is_target_good(request):
            return Response(403, b"<Error><Code>AccessDenied</Code></Error>")
        return getattr(self, "store_" + kind)(request, *request.path.split("/")[2:])

    def is_target_good(self, request):
        serial, mark = (request.query.get(key, [""])[0] for key in ("serial", "sig"))
        real = hmac.new(self.secret, f"{request.path}{serial}".encode(), "sha256").hexdigest()
        if serial not in self.targets or not hmac.compare_digest(mark, real):
            self.complain("a bad signature at the object store")
            return False
        self.targets[serial] += 1
        return self.expires is None or self.targets[serial] <= self.expires

    def store_parts(self, request, number, start, end):
        data = request.stream.read()
        if len(data) != int(end) - int(start):
            self.complain("a part of another size than was announced")
        self.sessions[number].parts[int(start)] = data
        return Response(200, b"", {"ETag": f'"{hashlib.md5(data).hexdigest()}"'})

    def store_direct(self, request, number):
        session = self.sessions[number]
        data = request.stream.read()
        if (request.headers.get("x-amz-checksum-sha256") != session.direct["check"]
                or request.headers.get("content-type") != "application/x-model"):
            self.complain("signed headers are missing")
            return Response(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        if len(data) != session.direct["length"] or models.digest_of(data) != session.direct["digest"]:
            return Response(400, b"<Error><Code>BadDigest</Code></Error>")
        session.parts[0] = data
        return Response(200)


def wait_quiet(registry, seconds=0.1):
    """Waits until no more bytes come in."""
    seen, since = registry.inbox.passed, time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(0.01)
        if registry.inbox.passed != seen:
            seen, since = registry.inbox.passed, time.monotonic()
