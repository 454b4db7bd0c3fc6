"""`doctor`: what it sees of a registry and of the way there, and that it leaves nothing behind."""
import re
import shutil
import signal
import socket
import subprocess

import pytest
from support import model
from support.distribution import needs_servers
from support.docker import log_in, pair
from support.events import check_described
from support.model import MIB
from support.program import wait_for
from support.uploads import ScopedRealm

USER, PASSWORD = "tester", "secret"


class Seen:
    """The rows of a run, by what was looked at."""

    def __init__(self, result):
        self.result = result
        check_described(result.events)
        self.rows = result.named("doctor_check")

    def __getitem__(self, check):
        return next(row for row in self.rows if row["Check"] == check)

    def __contains__(self, check):
        return any(row["Check"] == check for row in self.rows)

    @property
    def failures(self):
        return [row["Check"] for row in self.rows if row["Result"] == "failed"]


def look(pullama, status, *arguments, **options):
    result = pullama.run("doctor", "--output", "json", *arguments, **options).ended(status)
    (done,), seen = result.named("doctor_done"), Seen(result)
    assert done["Checks"] == len(seen.rows) and done["Failures"] == len(seen.failures)
    assert bool(seen.failures) == bool(status) and all(row["Means"] for row in seen.rows), result
    assert all(row["Advice"] for row in seen.rows if row["Result"] == "warning"), result
    return seen


@pytest.fixture
def tiny(far):
    pushed = far.add("library/m", "latest", model.small(2 * MIB))
    far.add_chunksums(pushed.layers[0].digest)
    return pushed


# ---- three kinds of registries ----

def test_a_registry_with_an_object_store(pullama, far, tiny):
    seen = look(pullama, 0, far.name("library/m"))
    assert seen["resolver"]["Seen"] == "127.0.0.1" and seen["proxy"]["Seen"] == "none"
    assert "an answer after" in seen["address"]["Seen"] and seen["address"]["Address"] == "127.0.0.1"
    assert tiny.digest in seen["manifest"]["Seen"]
    assert f"{far.host}, 307 to {far.cdn.host}" == seen["blob"]["Seen"]
    assert seen["ranges"]["Result"] == "ok" and seen["chunk_digests"]["Seen"].startswith("2 ")
    # A thousand bytes of the model, and nothing that changes anything.
    assert far.blob_bytes() <= 1024 and {r.method for r in far.requests()} == {"GET"}


@needs_servers
def test_distribution_with_passwords_behind_tls(pullama, distribution, authority):
    server = distribution(htpasswd=True)
    server.authorization = "Basic " + pair(USER, PASSWORD)
    server.push("team/llama", "v1", model.whole(2 * MIB))
    host, checked = f"127.0.0.1:{server.tls_port}", ("--cacert", authority / "ca.pem")
    for subject in (f"https://{host}", f"{host}/team/llama:v1"):
        seen = look(pullama, 3, subject, *checked)
        assert seen["auth"]["Seen"] == "Basic" and "pullama login" in seen["access"]["Advice"]
        assert "CN = Authority of the tests" in seen["certificate"]["Seen"] and seen["certificate"]["Result"] == "ok"
    path = log_in(pullama.home, host, USER, PASSWORD)
    seen = look(pullama, 0, host, *checked)
    assert str(path) in seen["access"]["Seen"] and "manifest" not in seen
    seen = look(pullama, 0, f"{host}/team/llama:v1", "--push", *checked)
    assert seen["ranges"]["Result"] == seen["uploads"]["Result"] == "ok" and "deleted again" in seen["uploads"]["Seen"]
    assert not list(server.folder.glob("storage/**/_uploads/*/startedat"))
    said = seen.result.out + seen.result.err
    assert PASSWORD not in said and pair(USER, PASSWORD) not in said


def test_a_registry_with_tokens(pullama, receive):
    registry = receive(realm=ScopedRealm("ollama"))
    registry.add("alice/m", "v1", model.small(2 * MIB))
    pullama.run("keygen").ended(0)
    seen = look(pullama, 0, registry.name("alice/m", "v1"))
    assert seen["auth"]["Seen"] == f"Bearer: {registry.host} gives tokens for tests"
    assert seen["access"]["Result"] == "ok" and seen["chunk_digests"]["Result"] == "note"
    said = seen.result.out + seen.result.err
    assert all(token not in said for token in registry.realm.tokens) and registry.realm.tokens


# ---- uploads ----

@pytest.mark.parametrize("form", ["plain", "parts", "direct"])
def test_uploads_leave_nothing_behind(pullama, receive, form):
    registry = receive(form=form, realm=ScopedRealm("ollama"))
    pullama.run("keygen").ended(0)
    seen = look(pullama, 0, "--push", registry.name("alice/new"))
    assert seen["manifest"]["Result"] == "note" and ("direct form" in seen["uploads"]["Seen"]) == (form == "direct")
    assert not registry.sessions and not registry.blobs and not registry.requests(method="PUT|PATCH")
    assert {r.method for r in registry.requests()} == {"GET", "POST", "DELETE"}


def test_a_session_that_stays_is_told(pullama, receive):
    registry = receive(drops=False)
    seen = look(pullama, 0, "--push", registry.name("alice/new"))
    assert seen["uploads"]["Result"] == "note" and "could not be deleted" in seen["uploads"]["Seen"]


def test_no_right_to_push(pullama, receive):
    registry = receive(realm=ScopedRealm("ollama", writers={"bob"}))
    registry.add("alice/m", "v1", model.small(MIB))
    pullama.run("keygen").ended(0)
    look(pullama, 0, registry.name("alice/m", "v1"))
    seen = look(pullama, 3, "--push", registry.name("alice/m", "v1"))
    assert seen.failures == ["uploads"] and "namespace" in seen["uploads"]["Advice"]


# ---- what is wrong ----

def test_a_model_that_is_not_there(pullama, far, tiny):
    assert look(pullama, 4, far.name("library/none")).failures == ["manifest"]


def test_a_server_that_ignores_ranges(pullama, registry):
    registry.add("library/m", "latest", model.small(8 * MIB))
    registry.fault("/blobs/", ignore_range=True)
    seen = look(pullama, 0, registry.name("library/m"))
    assert seen["ranges"]["Result"] == "warning" and seen["ranges"]["Seen"].startswith("200 ")
    wait_for(lambda: not registry.registry.sockets, "the connection to be closed")
    assert registry.blob_bytes() < 4 * MIB  # what is sent beyond the question is not waited for


def test_bytes_that_were_not_asked_for(pullama, registry):
    registry.add("library/m", "latest", model.small(2 * MIB))
    registry.fault("/blobs/", content_range=lambda start, end, total: f"bytes {start + 1}-{end + 1}/{total}")
    assert look(pullama, 0, registry.name("library/m"))["ranges"]["Result"] == "warning"


def test_a_certificate_that_nobody_trusts(pullama, serve, tls, authority):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(MIB))
    seen = look(pullama, 1, f"https://{registry.host}")
    assert seen.failures == ["certificate"] and "--cacert" in seen["certificate"]["Advice"]
    assert "CN = localhost" in seen["certificate"]["Seen"] and "Authority of the tests" in seen["certificate"]["Seen"]
    assert look(pullama, 0, f"https://{registry.host}", "--cacert", authority / "ca.pem")["certificate"]["Result"] == "ok"
    seen = look(pullama, 0, f"https+insecure://{registry.host}/library/m")
    assert seen["certificate"]["Result"] == "warning"


def test_no_such_name(pullama):
    seen = look(pullama, 6, "nowhere.invalid")
    assert seen.failures == ["resolver"] and "--resolve" in seen["resolver"]["Advice"]


def test_nobody_listens(pullama, registry):
    host = registry.host
    registry.stop()
    assert look(pullama, 6, host).failures == ["address"]


def test_one_of_two_addresses_is_dead(pullama, registry):
    port = registry.registry.port
    seen = look(pullama, 0, f"http://two.test:{port}", "--resolve", f"two.test:{port}:127.0.0.2,127.0.0.1")
    rows = {row["Address"]: row["Result"] for row in seen.rows if row["Check"] == "address"}
    assert rows == {"127.0.0.1": "ok", "127.0.0.2": "warning"} and seen["resolver"]["Seen"] == "127.0.0.2, 127.0.0.1"


def test_a_broken_registry(pullama, registry):
    registry.fault("/v2/$", status=503)
    seen = look(pullama, 6, f"http://{registry.host}")
    assert seen["auth"]["Result"] == "warning" and len(registry.requests()) == 2  # it is not asked again and again


def test_what_servers_say_is_harmless_on_a_terminal(pullama, registry):
    registry.fault("/v2/$", status=401, headers={"WWW-Authenticate": 'Bearer realm="http://r.test/\x1b[31m",service="a\x9bb\x07c"'})
    result = pullama.run("doctor", f"http://{registry.host}")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.out + result.err), result


# ---- through a proxy ----

def test_a_proxy_is_named_without_its_password(pullama, registry, tmp_path):
    if not shutil.which("tinyproxy"):
        pytest.skip("tinyproxy is not installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "tinyproxy.conf").write_text(f"Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nBasicAuth me s3cr3t\n")
    proxy = subprocess.Popen(["tinyproxy", "-d", "-c", tmp_path / "tinyproxy.conf"], stdout=subprocess.DEVNULL)
    try:
        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        wait_for(listens, "the proxy")
        seen = look(pullama, 0, f"http://{registry.host}", "--proxy", f"http://me:s3cr3t@127.0.0.1:{port}")
        assert seen["proxy"]["Result"] == "note" and f"127.0.0.1:{port}" in seen["proxy"]["Seen"]
        assert "s3cr3t" not in seen.result.out + seen.result.err and "proxy" in seen["resolver"]["Means"]
    finally:
        proxy.kill()
        proxy.wait(10)


# ---- the end ----

@pytest.fixture
def silent():
    """Takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_silent_host_ends_with_the_time(pullama, silent, scheme):
    seen = look(pullama, 6, f"{scheme}://{silent}", "--timeout", "500ms")
    assert "address" in seen.failures


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(pullama, silent, number):
    process = pullama.start("doctor", "--output", "json", f"http://{silent}")
    process.wait_event("doctor_check", where=lambda event: event["Check"] == "proxy")
    process.signal(number)
    result = process.result().ended(0)
    assert result.last["event"] == "failed" and result.last["Code"] == "interrupted"


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["bad name"], ["--push", "localhost"], ["http:///x"], ["x", "--limit-rate", "1M"]])
def test_wrong_usage(pullama, arguments):
    result = pullama.run("doctor", *arguments)
    assert result.status == 64 and result.err.startswith("error: ") and not result.out, result


@pytest.mark.parametrize("form", ["table", "compact", "debug"])
def test_other_forms(pullama, far, tiny, form):
    result = pullama.run("doctor", "--output", form, far.name("library/m")).ended(0)
    assert "ranges" in result.out and not result.err
    if form != "debug":
        assert result.out.endswith(f"http://{far.host}: nothing stands in the way\n")


def test_the_store_is_not_touched(pullama, store, far, tiny):
    pullama.run("doctor", far.name("library/m")).ended(0)
    assert not store.exists()
