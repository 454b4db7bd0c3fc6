"""Who may read: anyone with a token, who signs as Ollama does with an Ed25519 key, or who has a password."""
import base64
import json
import secrets
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs

from .wire import Response

# base64 of the hex SHA-256 of nothing: what Ollama signs in place of a body.
EMPTY_HASH = "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ=="
WIRE_PREFIX = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"
DER_PREFIX = bytes.fromhex("302a300506032b6570032100")
CLOCK_SKEW_S = 300


def verify(public_key, signature, message):
    """True when the 64-byte signature of message was made with the key of the 32 public bytes."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return verify_with_openssl(public_key, signature, message)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_with_openssl(public_key, signature, message):
    with tempfile.TemporaryDirectory() as folder:
        files = {"key": DER_PREFIX + public_key, "signature": signature, "message": message}
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "key",
             "-in", "message", "-sigfile", "signature"], cwd=folder, capture_output=True,
            check=False).returncode == 0


class Realm:
    """Issues bearer tokens and checks them. kind: "anonymous", "ollama", "password" (a user name and
    password get a token), "basic" (they are the answer themselves), "static" (a token that users have), or "identity" (a
    refresh token that they have is traded in)."""

    def __init__(self, kind="anonymous", url=None, uses=None, accept=True, member="token", users=None, seconds=None, rotates=False):
        self.rotates = rotates    # a refresh token is good for one use
        self.users = users or {}  # passwords by user name; for "static", tokens
        self.seconds = seconds    # life of a token, as the answer says
        self.kind = kind
        self.url = url            # realm named in the challenge; None: /token of the same registry
        self.uses = uses          # requests that one token is good for; None: any number
        self.accept = accept      # False: every token request is refused with 401
        self.member = member      # JSON member that carries the token
        self.keys = None          # set of public keys (32 bytes) that may read; None: any
        self.issued = 0
        self.refusals = []        # why signed requests were refused, for assertions
        self.lock = threading.Lock()
        self.tokens = {}
        self.nonces = set()

    def revoke_all(self):
        with self.lock:
            self.tokens.clear()

    def is_authorized(self, request):
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if self.kind == "basic":
            return self.has_password(request)
        if self.kind == "static":
            return scheme == "Bearer" and token in self.users.values()
        with self.lock:
            left = self.tokens.get(token, 0) if scheme == "Bearer" else 0
            if left <= 0:
                return False
            self.tokens[token] = left - 1
        return True

    def has_password(self, request):
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            return False
        return scheme == "Basic" and self.users.get(user) == password

    def challenge(self, request, base_url, scope):
        realm = self.url or base_url + "/token"
        if self.kind in ("basic", "static"):
            asked = 'Basic realm="models"' if self.kind == "basic" else f'Bearer realm="{realm}"'
            return Response(401, b"", {"WWW-Authenticate": asked})
        return Response(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {
            "Content-Type": "application/json",
            "WWW-Authenticate": f'Bearer realm="{realm}",service="tests",scope="{scope}"'})

    def issue(self, request, base_url):
        """The answer to a token request."""
        problem = None if self.accept else "refused by the test"
        if not problem and self.kind == "ollama":
            problem = self.find_problem(request, base_url)
        if not problem and self.kind == "password" and not self.has_password(request):
            problem = "wrong user name or password"
        fresh = None
        if not problem and self.kind == "identity":
            problem, fresh = self.trade(request)
        if not problem and self.kind == "static":
            problem = "gives no tokens"
        if problem:
            self.refusals.append(problem)
            return Response(401, problem.encode(), {"Content-Type": "text/plain"})
        token = secrets.token_urlsafe(24)
        with self.lock:
            self.issued += 1
            self.tokens[token] = self.uses if self.uses is not None else 1 << 60
        answer = {self.member: token, **({"refresh_token": fresh} if fresh else {}), **({"expires_in": self.seconds} if self.seconds else {})}
        return Response(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def trade(self, request):
        """What is wrong with a form that trades a refresh token in, or None; and the next one, if each is good for one use."""
        form = parse_qs(request.stream.read().decode() if request.method == "POST" else "")
        wanted = {"grant_type": ["refresh_token"], "service": ["tests"], "client_id": ["pullama"]}
        if request.headers.get("content-type") != "application/x-www-form-urlencoded" or request.query:
            return "no form", None
        if any(form.get(key) != value for key, value in wanted.items()) or "authorization" in request.headers:
            return "another form", None
        with self.lock:
            user = next((user for user, one in self.users.items() if [one] == form.get("refresh_token")), None)
            if user and self.rotates:
                self.users[user] = secrets.token_urlsafe(24)
        return (None, self.users[user] if self.rotates else None) if user else ("no such refresh token", None)

    def find_problem(self, request, base_url):
        """What is wrong with a signed token request, or None."""
        query = request.query
        if not all(key in query for key in ("service", "scope", "ts", "nonce")):
            return "service, scope, ts or nonce is missing"
        if abs(int(query["ts"][0]) - time.time()) > CLOCK_SKEW_S:
            return "ts is not now"
        nonce = query["nonce"][0]
        if len(nonce) != 22 or nonce in self.nonces:
            return "nonce is not fresh"
        self.nonces.add(nonce)
        public_text, _, signature_text = request.headers.get("authorization", "").partition(":")
        try:
            wire = base64.b64decode(public_text, validate=True)
            signature = base64.b64decode(signature_text, validate=True)
        except ValueError:
            return "not base64"
        if not wire.startswith(WIRE_PREFIX) or len(wire) != len(WIRE_PREFIX) + 32:
            return "not an Ed25519 key in SSH form"
        key = wire[len(WIRE_PREFIX):]
        if self.keys is not None and key not in self.keys:
            return "this key may not read"
        asked_at = self.url.removesuffix(request.path) if self.url else base_url
        message = f"GET,{asked_at}{request.target},{EMPTY_HASH}".encode()
        return None if verify(key, signature, message) else "bad signature"
