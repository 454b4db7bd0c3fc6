"""Pushes to a scripted registry: the forms of uploads, and what belongs to whom."""
import pytest
from support import model
from support.model import KIND, MIB, Layer
from support.program import wait_for
from support.store import install, leftovers
from support.tokens import Realm
from support.uploads import ScopedRealm

CHUNK = ("--chunk-size", "1MiB")


def tensors(count, size, seed=0):
    layers = [Layer("tensor", model.noise(size + n, seed + n), name=f"blk.{n}") for n in range(count)]
    return model.Model([*layers, Layer("json", b"{}", name="config.json")])


@pytest.mark.parametrize("options", [{}, {"relative": True}, {"old": True}], ids=["absolute", "relative", "old"])
def test_bytes_taken_by_the_registry_itself(pullama, store, receive, put, options):
    registry = receive(**options)
    name = put(registry, tiny := model.whole(5 * MIB))
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", tiny)
    assert result.last["SentBytes"] == tiny.size == registry.wire_bytes("/blobs/")
    assert len(registry.requests(method="PATCH")) >= 6 and not leftovers(store)
    assert not registry.requests(server="cdn")


def test_parts_go_to_the_object_store_side_by_side(pullama, store, receive, put):
    registry = receive(form="parts")
    name = put(registry, tiny := model.whole(8 * MIB))
    registry.inbox.limit(0)
    process = pullama.start_push(name, "-x", "4", *CHUNK)
    process.wait_event("blob_start")
    wait_for(lambda: len({r.connection for r in registry.requests("^/parts/")}) >= 3, "parts side by side")
    registry.inbox.limit(None)
    process.result().ended(0)
    registry.check_pushed("alice/m", "v1", tiny)
    # Nothing of what goes elsewhere was sent to the registry first.
    assert registry.wire_bytes("/blobs/uploads/") == 0
    assert registry.wire_bytes("^/parts/") == tiny.size and not leftovers(store)


def test_a_blob_in_one_direct_piece(pullama, receive, put):
    registry = receive(form="direct", realm=ScopedRealm())
    name = put(registry, many := tensors(5, 2 * MIB))
    pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", many)
    assert len(registry.requests("^/direct/", "PUT")) == 7 and not registry.requests(method="PATCH")
    assert all("authorization" in r.headers for r in registry.requests("uploads", "PUT"))


@pytest.mark.parametrize("connections", [1, 4])
def test_a_registry_that_knows_no_direct_form(pullama, receive, put, connections):
    registry = receive(form="strict")
    name = put(registry, many := tensors(6, MIB))
    registry.fault("digest=", method="POST", delay=0.2)
    pullama.push(name, "-x", str(connections), *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", many)
    # Nobody asks again once one has learnt it.
    assert len(registry.requests("digest=", "POST")) == connections


def test_models_without_tensors_never_ask_for_the_direct_form(pullama, receive, put):
    registry = receive(form="ollama")
    name = put(registry, tiny := model.whole(2 * MIB))
    pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", tiny)
    assert not registry.requests("^/direct/") and registry.requests("^/parts/")
    assert not [r for r in registry.requests(method="POST") if "x-redirect-uploads" in r.headers]


def test_an_empty_blob(pullama, receive, put):
    for form in ("plain", "parts"):
        registry = receive(form=form)
        name = put(registry, tiny := model.Model([b"", Layer("license", b"MIT")]))
        pullama.push(name).ended(0)
        registry.check_pushed("alice/m", "v1", tiny)


def test_small_blobs_take_two_requests_once_the_registry_is_known(pullama, receive, put):
    registry = receive()
    layers = [Layer(KIND + "license", f"text {n}".encode()) for n in range(20)]
    name = put(registry, many := model.Model(layers))
    pullama.push(name, "-x", "1").ended(0)
    registry.check_pushed("alice/m", "v1", many)
    assert len(registry.requests(method="PATCH")) == 1
    assert len(registry.requests("digest=", "PUT")) == len(many.blobs)


# ---- mounts ----

def test_a_layer_that_names_its_source_is_mounted(pullama, receive, put):
    registry = receive(realm=ScopedRealm())
    base = model.small(2 * MIB)
    registry.add("library/base", "latest", base)
    named = Layer("model", base.layers[0].data, **{"from": f"{registry.host}/library/base:latest"})
    name = put(registry, derived := model.Model([named, Layer("system", b"You are brief.")]))
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", derived)
    mounted = result.named("blob_mounted")
    assert [event["From"] for event in mounted] == ["library/base"]
    assert result.last["SentBytes"] < MIB


@pytest.mark.parametrize("source", ["/root/blobs/sha256-0", "elsewhere.example/library/base", "m", "a/b/c/d/e", ""])
def test_a_source_that_is_none_is_passed_over(pullama, receive, put, source):
    registry = receive()
    name = put(registry, tiny := model.Model([Layer("model", model.noise(MIB), **{"from": source})]))
    pullama.push(name).ended(0)
    registry.check_pushed("alice/m", "v1", tiny)
    assert not registry.requests("mount=")


def test_a_mount_that_is_refused_costs_nothing_but_the_bytes(pullama, receive, put):
    registry = receive()
    put(registry, tiny := model.small(2 * MIB), "library/other", "latest")
    install_name = registry.name("alice/m", "v1")
    registry.fault("mount=", status=403, body=b'{"errors":[{"code":"DENIED"}]}')
    pullama.push(registry.name("library/other"), "--as", install_name).ended(0)
    registry.check_pushed("alice/m", "v1", tiny)


# ---- names, tokens and rights ----

def test_under_another_name(pullama, store, receive):
    registry = receive()
    install(store, "registry.ollama.ai", "library/tiny", "latest", tiny := model.whole(MIB))
    result = pullama.push("tiny", "--as", registry.name("bob/other", "v7")).ended(0)
    registry.check_pushed("bob/other", "v7", tiny)
    start = result.named("push_start")[0]
    assert start["Ref"] == "tiny:latest" and start["Target"] == f"{registry.host}/bob/other:v7"


def test_tokens_are_asked_for_what_is_done_with_them(pullama, receive, put):
    registry = receive(realm=ScopedRealm("ollama"))
    name = put(registry, tiny := model.whole(3 * MIB))
    pullama.run("keygen").ended(0)
    pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", tiny)
    asked = [scope for r in registry.requests("/token") for scope in r.query["scope"]]
    assert "repository:alice/m:pull,push" in asked
    assert registry.realm.issued <= 3


def test_a_namespace_without_rights(pullama, receive, put):
    registry = receive(realm=ScopedRealm("ollama", writers={"bob"}))
    name = put(registry, model.small(2 * MIB))
    pullama.run("keygen").ended(0)
    result = pullama.push(name).ended(3)
    assert "no right to push" in result.err and "alice/m:v1" in result.err and "--as" in result.err
    assert registry.wire_bytes() == 0


def test_a_registry_that_forbids_writing(pullama, receive, put):
    registry = receive()
    name = put(registry, model.small(1000))
    registry.fault("/uploads/", status=403, body=b'{"errors":[{"code":"DENIED","message":"read only"}]}')
    result = pullama.push(name).ended(3)
    assert "read only" in result.err and result.last["HTTPStatus"] == 403


def test_credentials_that_are_refused(pullama, receive, put):
    registry = receive(realm=Realm(accept=False))
    name = put(registry, model.small(1000))
    assert pullama.push(name).ended(3).last["Code"] == "auth"


# ---- what is missing here ----

def test_a_model_that_is_not_here(pullama, receive):
    registry = receive()
    result = pullama.push(registry.name("alice/nothing")).ended(4)
    assert "alice/nothing" in result.err and "pullama list" in result.err and not registry.requests()


def test_a_blob_that_is_not_here(pullama, receive, put, store, request):
    registry = receive()
    name = put(registry, tiny := model.whole(2 * MIB))
    lost = store / "blobs" / tiny.layers[0].digest.replace(":", "-")
    kept = lost.read_bytes()
    lost.unlink()
    result = pullama.push(name).ended(1)
    assert tiny.layers[0].digest[7:19] in result.err and "missing" in result.err
    assert registry.wire_bytes() == 0  # nothing is sent of a model that cannot be sent whole
    # What the registry has need not be here.
    registry.blobs[tiny.layers[0].digest] = kept
    registry.repositories.setdefault("alice/m", set()).add(tiny.layers[0].digest)
    pullama.push(name).ended(0)
    registry.check_pushed("alice/m", "v1", tiny)
    lost.write_bytes(kept)


def test_several_models(pullama, receive, put):
    registry = receive()
    one, two = model.small(MIB, 1), model.small(MIB, 2)
    names = [put(registry, one, "alice/one"), registry.name("alice/none"), put(registry, two, "alice/two")]
    result = pullama.push(*names).ended(4)
    registry.check_pushed("alice/one", "v1", one)
    registry.check_pushed("alice/two", "v1", two)
    assert len(result.named("completed")) == 2


def test_the_memory_stays_small(pullama, receive, put):
    if pullama.is_sanitized:
        pytest.skip("sanitizers take more")
    registry = receive(form="parts")
    name = put(registry, big := model.small(48 * MIB))
    result = pullama.push(name, "-x", "16", *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", big)
    assert result.peak_kib < 32 * 1024


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "registry.example", "http://localhost:5000"])
def test_a_registry_is_no_name_to_push_by(pullama, store, host):
    install(store, "registry.ollama.ai", "library/m", "latest", model.small(MIB))
    result = pullama.run("push", "m", "--as", host).ended(64)
    assert "names no model there" in result.err
