"""Tokens: anonymous, signed as Ollama does, renewed when they end, and given to nobody else."""
import subprocess

import pytest
from support import model
from support.model import MIB
from support.store import check_model
from support.tokens import Realm


def test_anonymous_token(pullama, store, serve):
    registry = serve(mode="redirect", realm=Realm("anonymous"))
    tiny = registry.add("library/m", "latest", model.small(MIB))
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.realm.issued == 1


def test_signed_token_with_a_key_of_keygen(pullama, store, serve):
    registry = serve(mode="redirect", realm=Realm("ollama"))
    tiny = registry.add("library/m", "latest", model.small(MIB))
    pullama.run("keygen").ended(0)
    key = pullama.home / ".ollama" / "id_ed25519"
    assert key.stat().st_mode & 0o777 == 0o600
    assert (key.parent / "id_ed25519.pub").read_text().startswith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI")
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.realm.refusals == []


def test_keygen_never_replaces_a_key(pullama):
    pullama.run("keygen").ended(0)
    key = pullama.home / ".ollama" / "id_ed25519"
    before = key.read_bytes()
    pullama.run("keygen").ended(0)
    assert key.read_bytes() == before


def test_signed_token_with_a_pkcs8_key(pullama, serve):
    registry = serve(realm=Realm("ollama"))
    registry.add("library/m", "latest", model.small(1000))
    folder = pullama.home / ".ollama"
    folder.mkdir()
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", folder / "id_ed25519"], check=True)
    pullama.pull(registry.name("library/m")).ended(0)


def test_a_missing_key_is_said_with_what_to_do(pullama, serve):
    registry = serve(realm=Realm("ollama"))
    registry.add("library/m", "latest", model.small(1000))
    result = pullama.pull(registry.name("library/m")).ended(3)
    assert "keygen" in result.err


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"])
def test_a_broken_key_is_an_authentication_failure(pullama, serve, content):
    registry = serve(realm=Realm("ollama"))
    registry.add("library/m", "latest", model.small(1000))
    (pullama.home / ".ollama").mkdir()
    (pullama.home / ".ollama" / "id_ed25519").write_bytes(content)
    result = pullama.pull(registry.name("library/m")).ended(3)
    assert "id_ed25519" in result.err


def test_refused_key(pullama, serve):
    realm = Realm("ollama")
    realm.keys = set()
    registry = serve(realm=realm)
    registry.add("library/m", "latest", model.small(1000))
    pullama.run("keygen").ended(0)
    pullama.pull(registry.name("library/m")).ended(3)
    assert realm.refusals[0] == "this key may not read"
    assert len(registry.requests()) < 12


@pytest.mark.parametrize("connections, times", [(1, 3), (4, 1)])
def test_a_token_that_ends_in_the_middle_is_renewed(pullama, store, serve, connections, times):
    registry = serve(realm=Realm("anonymous"))
    tiny = registry.add("library/m", "latest", model.small(8 * MIB))
    for skip in range(2, 2 + times):
        registry.fault(tiny.layers[0].digest, call=lambda _: registry.realm.revoke_all(), skip=skip, times=1)
    pullama.pull(registry.name("library/m"), "--chunk-size", "1MiB", "-x", str(connections)).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    assert registry.realm.issued >= 1 + times


def test_a_registry_that_never_accepts_its_own_tokens(pullama, serve):
    registry = serve(realm=Realm("anonymous", uses=0))
    registry.add("library/m", "latest", model.small(1000))
    pullama.pull(registry.name("library/m")).ended(3)
    assert len(registry.requests()) < 20


def test_a_401_without_a_usable_challenge(pullama, registry):
    registry.add("library/m", "latest", model.small(1000))
    registry.fault("/manifests/", status=401)
    pullama.pull(registry.name("library/m")).ended(3)


def test_signature_is_not_given_to_a_realm_elsewhere(pullama, serve):
    thief = serve(realm=Realm("ollama"))
    registry = serve(realm=Realm("ollama", url=thief.registry.url + "/token"))
    registry.add("library/m", "latest", model.small(1000))
    pullama.run("keygen").ended(0)
    pullama.pull(registry.name("library/m")).ended(3)
    assert [r for r in thief.requests() if "authorization" in r.headers] == []


def test_credentials_stay_at_their_origin(pullama, serve):
    registry = serve(mode="redirect", realm=Realm("ollama"))
    registry.add("library/m", "latest", model.small(4 * MIB))
    pullama.run("keygen").ended(0)
    pullama.pull(registry.name("library/m"), "--chunk-size", "1MiB").ended(0)
    asked = registry.requests(server="cdn")
    assert asked and not [r for r in asked if "authorization" in r.headers]


@pytest.mark.parametrize("output", ["table", "json", "debug", "compact"])
def test_no_secret_is_printed(pullama, serve, output):
    registry = serve(mode="redirect", realm=Realm("ollama"))
    registry.add("library/m", "latest", model.small(2 * MIB))
    registry.fault("/objects/", status=403, times=2)
    registry.fault("/objects/", status=503, times=1)
    pullama.run("keygen").ended(0)
    result = pullama.run("pull", "--verbose", "--output", output, registry.name("library/m")).ended(0)
    said = result.out + result.err
    for request in registry.requests():
        secret = request.headers.get("authorization", "").removeprefix("Bearer ")
        assert not secret or secret not in said
    assert "Signature=" not in said and "nonce=" not in said


def test_token_endpoint_is_retried(pullama, serve):
    registry = serve(realm=Realm("anonymous"))
    registry.add("library/m", "latest", model.small(1000))
    registry.fault("^/token", status=503, times=2)
    pullama.pull(registry.name("library/m")).ended(0)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token":5}', b'{"token":""}', b'{"token":"a\\r\\nX-Evil: 1"}',
                                  b'{"token":"' + b"x" * (2 << 20) + b'"}'], ids=range(7))
def test_unusable_token_answers(pullama, serve, body):
    registry = serve(realm=Realm("anonymous"))
    registry.add("library/m", "latest", model.small(1000))
    registry.fault("^/token", body=body)
    result = pullama.pull(registry.name("library/m"), "--max-retries", "1")
    assert result.status in (1, 3)
    assert not [r for r in registry.requests() if "x-evil" in r.headers]


def test_access_token_member_is_read_too(pullama, serve):
    registry = serve(realm=Realm("anonymous", member="access_token"))
    registry.add("library/m", "latest", model.small(1000))
    pullama.pull(registry.name("library/m")).ended(0)
