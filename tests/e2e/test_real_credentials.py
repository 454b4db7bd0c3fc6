"""CNCF Distribution with passwords: by itself, and with a token realm that signs with a certificate."""
import base64
import json
import subprocess
import time

import pytest
from support import model
from support.distribution import Distribution, needs_servers
from support.docker import log_in, pair
from support.model import MIB
from support.store import blob_path, check_store, install, manifest_path
from support.tokens import Realm
from support.wire import Response

pytestmark = needs_servers
USER, PASSWORD = "tester", "secret"


def text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class SigningRealm(Realm):
    """Gives who has the password a token as Distribution wants it: signed, with the certificate in its head."""

    def __init__(self, folder):
        super().__init__("password", users={USER: PASSWORD})
        self.folder = folder
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "realm.key", "-out", "realm.pem",
                        "-days", "2", "-subj", "/CN=Realm of the tests"], cwd=folder, check=True, capture_output=True)

    def sign(self, scopes):
        certificate = "".join((self.folder / "realm.pem").read_text().splitlines()[1:-1])
        now, access = int(time.time()), []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        parts = [{"typ": "JWT", "alg": "RS256", "x5c": [certificate]},
                 {"iss": "realm", "sub": USER, "aud": "models", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": str(time.monotonic_ns()),
                  "access": access}]
        signed = ".".join(text(json.dumps(part).encode()) for part in parts)
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "realm.key"], cwd=self.folder, input=signed.encode(),
                                   capture_output=True, check=True).stdout
        return f"{signed}.{text(signature)}"

    def issue(self, request, base_url):
        answer = super().issue(request, base_url)
        if answer.status != 200:
            return answer
        token = self.sign(scope for scope in request.query.get("scope", []) if scope)
        return Response(200, json.dumps({"token": token, "expires_in": 300}).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def start(tmp_path, authority):
    running = []

    def begin(**options):
        folder = tmp_path / "servers"
        folder.mkdir()
        running.append(Distribution(folder, authority, **options))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


def check_pulled(store, host, pushed):
    assert manifest_path(store, host, "team/llama", "v1").read_bytes() == pushed.manifest
    assert all(blob_path(store, digest).stat().st_size == len(data) for digest, data in pushed.blobs.items())
    check_store(store)


def login(pullama, address, *more, password=PASSWORD):
    path = pullama.home / "password"
    path.write_text(password)
    with open(path) as source:
        return pullama.run("login", address, "-u", USER, "--password-stdin", *more, stdin=source)


def test_a_registry_with_passwords(pullama, store, start, authority):
    server = start(htpasswd=True)
    server.authorization = "Basic " + pair(USER, PASSWORD)
    pushed = server.push("team/llama", "v1", model.whole(8 * MIB))
    host, checked = f"127.0.0.1:{server.tls_port}", ("--cacert", authority / "ca.pem")
    refused = pullama.pull(f"{host}/team/llama:v1", *checked).ended(3)
    assert f"pullama login {host}" in refused.err
    assert "refused" in login(pullama, host, *checked, password="wrong").ended(3).err
    login(pullama, host, *checked).ended(0)
    result = pullama.pull(f"{host}/team/llama:v1", "--chunk-size", "1MiB", *checked).ended(0)
    check_pulled(store, host, pushed)
    assert pair(USER, PASSWORD) not in result.out + result.err
    pullama.run("logout", host).ended(0)
    pullama.pull(f"{host}/team/llama:v2", *checked).ended(3)


def test_passwords_are_not_shown_to_the_object_store(pullama, store, start, authority):
    server = start(htpasswd=True, redirect=True)
    server.authorization = "Basic " + pair(USER, PASSWORD)
    pushed = server.push("team/llama", "v1", model.whole(2 * MIB))
    host = f"127.0.0.1:{server.tls_port}"
    log_in(pullama.home, host, USER, PASSWORD)
    pullama.pull(f"{host}/team/llama:v1", "--cacert", authority / "ca.pem").ended(0)
    check_pulled(store, host, pushed)


def test_a_token_realm_with_a_certificate(pullama, store, serve, start, tmp_path):
    realm = serve(realm=SigningRealm(tmp_path))
    server = start(auth=token_auth(realm, tmp_path))
    server.authorization = "Bearer " + realm.realm.sign(["repository:team/llama:pull,push"])
    pushed = server.push("team/llama", "v1", model.whole(8 * MIB))
    name, host = f"http://127.0.0.1:{server.port}/team/llama:v1", f"127.0.0.1:{server.port}"
    refused = pullama.pull(name).ended(3)
    assert "pullama login" in refused.err and host in refused.err
    assert "refused" in login(pullama, "http://" + host, password="wrong").ended(3).err
    login(pullama, "http://" + host).ended(0)
    pullama.pull(name, "--chunk-size", "1MiB").ended(0)
    check_pulled(store, host, pushed)
    scopes = [r.query.get("scope") for r in realm.requests("^/token")]
    assert ["repository:team/llama:pull"] in scopes
    assert not [line for line in server.asked("GET") if pair(USER, PASSWORD) in line]


def token_auth(realm, folder):
    return (f"auth: {{token: {{realm: '{realm.registry.url}/token', service: models, issuer: realm, "
            f"rootcertbundle: {folder}/realm.pem}}}}")


@pytest.mark.parametrize("kind", ["basic", "token"])
def test_a_push_and_a_pull_with_a_password(pullama, store, serve, start, tmp_path, kind):
    realm = serve(realm=SigningRealm(tmp_path))
    server = start(htpasswd=True) if kind == "basic" else start(auth=token_auth(realm, tmp_path))
    host = f"127.0.0.1:{server.port}"
    install(store, host, "team/llama", "v1", pushed := model.whole(4 * MIB))
    pullama.push(f"http://{host}/team/llama:v1").ended(3)
    login(pullama, "http://" + host).ended(0)
    result = pullama.push(f"http://{host}/team/llama:v1", "--chunk-size", "1MiB").ended(0)
    assert pair(USER, PASSWORD) not in result.out + result.err
    pullama.run("rm", f"{host}/team/llama:v1").ended(0)
    pullama.pull(f"http://{host}/team/llama:v1").ended(0)
    check_pulled(store, host, pushed)
    if kind == "token":
        scopes = {scope for r in realm.requests("^/token") for scope in r.query.get("scope", [])}
        assert scopes & {f"repository:team/llama:{actions}" for actions in ("pull,push", "push,pull")}, scopes


def test_a_push_elsewhere_shows_no_password_of_the_models_own_registry(pullama, store, serve):
    thief = serve(realm=Realm("basic", users={USER: "another"}))
    log_in(pullama.home, "own.example", USER, PASSWORD)
    install(store, "own.example", "team/llama", "v1", model.small(1000))
    pullama.push("own.example/team/llama:v1", "--as", thief.name("team/llama", "v1")).ended(3)
    assert thief.requests() and not [r for r in thief.requests() if "authorization" in r.headers]
