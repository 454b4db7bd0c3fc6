"""Pushes to the server that people run, CNCF Distribution, and pulls back what was pushed."""
import shutil
import signal

import pytest
from support import model
from support.distribution import needs_servers
from support.docker import log_in
from support.model import MIB
from support.store import blob_path, check_store, descriptors, install, leftovers, manifest_path

pytestmark = needs_servers
HOME = "registry.ollama.ai"


def pull_back(pullama, tmp_path, name, repository, tag, pushed, *flags):
    """Pulls into an empty store and compares every byte."""
    fresh = tmp_path / "fresh"
    pullama.pull(name, "--models-dir", fresh, *flags).ended(0)
    found = next((fresh / "manifests").glob(f"*/{repository}/{tag}"))
    assert found.read_bytes() == pushed.manifest
    for digest, data in pushed.blobs.items():
        assert blob_path(fresh, digest).read_bytes() == data
    check_store(fresh)
    shutil.rmtree(fresh)


def test_a_model_goes_out_and_comes_back_the_same(pullama, store, distribution, tmp_path):
    server = distribution()
    tiny = model.whole(8 * MIB)
    install(store, HOME, "library/tiny", "latest", tiny)
    name = f"http://127.0.0.1:{server.port}/team/llama:v1"
    pushed = pullama.push("tiny", "--as", name, "--chunk-size", "1MiB").ended(0)
    assert pushed.last["SentBytes"] == tiny.size and not pushed.last["UpToDate"]
    assert len(pushed.named("blob_sent")) == len(tiny.blobs)
    assert len(server.asked("PATCH", "202")) >= 8 and not leftovers(store)
    pull_back(pullama, tmp_path, name, "team/llama", "v1", tiny)

    again = pullama.push("tiny", "--as", name).ended(0)
    assert again.last["UpToDate"] and again.last["SentBytes"] == 0
    assert len(again.named("blob_exists")) == len(tiny.blobs) and not again.named("manifest_pushed")

    other_tag = pullama.push("tiny", "--as", f"http://127.0.0.1:{server.port}/team/llama:v2").ended(0)
    assert other_tag.last["SentBytes"] == 0 and other_tag.named("manifest_pushed")


@pytest.mark.parametrize("path", model.real_gguf(), ids=lambda path: getattr(path, "stem", "none"))
def test_real_vocabularies(pullama, store, distribution, tmp_path, path):
    server = distribution(relative=True)
    real = model.Model([model.Layer("model", path.read_bytes()), model.Layer("license", b"MIT")])
    real.manifest += b"\n"  # as Ollama writes those of its own making
    host = f"127.0.0.1:{server.port}"
    install(store, host, "team/real", "latest", real)
    pullama.push(f"http://{host}/team/real", "--chunk-size", "256KiB").ended(0)
    pull_back(pullama, tmp_path, f"http://{host}/team/real", "team/real", "latest", real)


def test_through_tls_and_a_proxy(pullama, store, distribution, authority, tmp_path):
    server = distribution()
    tiny = model.whole(3 * MIB)
    name = f"127.0.0.1:{server.tls_port}/team/llama:v1"
    install(store, HOME, "library/tiny", "latest", tiny)
    trust = ("--cacert", authority / "ca.pem")
    pullama.push("tiny", "--as", name, "--max-retries", "0").ended(1)
    pullama.push("tiny", "--as", name, *trust).ended(0)
    pull_back(pullama, tmp_path, name, "team/llama", "v1", tiny, *trust)


def test_blobs_are_mounted_from_what_the_store_knows(pullama, store, distribution, tmp_path):
    server = distribution()
    host = f"127.0.0.1:{server.port}"
    tiny = model.whole(4 * MIB)
    install(store, host, "team/first", "v1", tiny)
    pullama.push(f"http://{host}/team/first:v1").ended(0)
    name = f"http://{host}/other/second:v2"
    mounted = pullama.push(f"http://{host}/team/first:v1", "--as", name).ended(0)
    assert mounted.last["SentBytes"] == 0
    assert {event["From"] for event in mounted.named("blob_mounted")} == {"team/first"}
    assert len(mounted.named("blob_mounted")) == len(tiny.blobs)
    pull_back(pullama, tmp_path, name, "other/second", "v2", tiny)


def test_a_source_that_does_not_have_it_costs_nothing_but_the_bytes(pullama, store, distribution):
    server = distribution()
    host = f"127.0.0.1:{server.port}"
    install(store, host, "team/never-pushed", "v1", tiny := model.whole(2 * MIB))
    result = pullama.push(f"http://{host}/team/never-pushed:v1", "--as", f"http://{host}/team/second").ended(0)
    assert not result.named("blob_mounted") and result.last["SentBytes"] == tiny.size


def test_a_dry_run_sends_nothing(pullama, store, distribution):
    server = distribution()
    host = f"127.0.0.1:{server.port}"
    install(store, host, "team/llama", "v1", tiny := model.whole(2 * MIB))
    plan = pullama.push(f"http://{host}/team/llama:v1", "--dry-run").ended(0).named("push_plan")[0]
    assert (plan["TotalSize"], plan["SendBytes"], plan["BlobsPresent"]) == (tiny.size, tiny.size, 0)
    assert not server.asked("POST") and not (store / ".pullm").exists()


@pytest.mark.parametrize("layer", [0, 1])
def test_a_damaged_blob_is_never_committed(pullama, store, distribution, layer):
    server = distribution()
    host = f"127.0.0.1:{server.port}"
    path = install(store, host, "team/llama", "v1", model.whole(5 * MIB))
    digest = descriptors(path)[layer]["digest"]
    blob = blob_path(store, digest)
    good = blob.read_bytes()
    blob.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    result = pullama.push(f"http://{host}/team/llama:v1").ended(5)
    assert digest[7:19] in result.err and "damaged" in result.err
    assert not server.asked("PUT", digest[7:]) and not server.asked("manifests", "201")
    assert layer == 1 or not leftovers(store)  # else the large one may be on its way
    blob.write_bytes(good)
    again = pullama.push(f"http://{host}/team/llama:v1").ended(0)
    assert layer == 1 or not again.named("upload_lost")


def test_credentials_that_are_missing(pullama, store, distribution):
    server = distribution(htpasswd=True)
    host = f"127.0.0.1:{server.port}"
    install(store, host, "team/llama", "v1", model.whole(MIB))
    result = pullama.push(f"http://{host}/team/llama:v1").ended(3)
    assert result.last["Code"] == "auth" and "team/llama:v1" in result.err


@pytest.mark.parametrize("password,status", [("secret", 0), ("wrong", 3)])
def test_a_password_of_the_docker_client(pullama, store, distribution, tmp_path, password, status):
    server = distribution(htpasswd=True)
    host = f"127.0.0.1:{server.port}"
    name = f"http://{host}/team/llama:v1"
    install(store, HOME, "library/tiny", "latest", tiny := model.whole(2 * MIB))
    log_in(pullama.home, host, "tester", password)
    pullama.push("tiny", "--as", name, "--chunk-size", "1MiB").ended(status)
    if status == 0:
        pull_back(pullama, tmp_path, name, "team/llama", "v1", tiny)


def test_a_killed_push_sends_what_was_not_finished(pullama, store, distribution, tmp_path):
    """This server drops a session whose last request broke off: the blob is sent again, and no other."""
    server = distribution()
    host = f"127.0.0.1:{server.port}"
    parts = [model.Layer("model", model.noise(6 * MIB, n)) for n in range(3)]
    install(store, host, "team/llama", "v1", whole := model.Model(parts))
    name = f"http://{host}/team/llama:v1"
    process = pullama.start_push(name, "-x", "1", "--chunk-size", "1MiB", "--limit-rate", "8MiB")
    process.wait_event("progress", where=lambda e: e["OverallDone"] > 9 * MIB)
    process.kill()
    sent = {event["Blob"]["Digest"] for event in process.events() if event["event"] == "blob_sent"}
    assert parts[0].digest in sent
    result = pullama.push(name).ended(0)
    assert {event["Blob"]["Digest"] for event in result.named("blob_exists")} >= sent
    assert result.last["SentBytes"] <= whole.size - sum(len(whole.blobs[digest]) for digest in sent)
    assert not leftovers(store)
    pull_back(pullama, tmp_path, name, "team/llama", "v1", whole)


def test_stopped_between_two_requests_it_goes_on(pullama, store, distribution, tmp_path):
    server = distribution()
    host = f"127.0.0.1:{server.port}"
    install(store, host, "team/llama", "v1", tiny := model.small(8 * MIB))
    name = f"http://{host}/team/llama:v1"
    process = pullama.start_push(name, "-x", "1", "--chunk-size", "2MiB", "--limit-rate", "4MiB")
    process.wait_event("progress", where=lambda e: e["OverallDone"] > 3 * MIB)
    process.signal(signal.SIGINT)
    process.result()
    pullama.push(name).ended(0)
    pull_back(pullama, tmp_path, name, "team/llama", "v1", tiny)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_gone_on_with_while_the_server_still_reads_what_the_last_run_sent(pullama, store, distribution, tmp_path, number):
    """It deletes the session then, at any time and by whichever request: the blob is sent into a new one."""
    server = distribution()
    host, registry = f"127.0.0.1:{server.port}", server.processes[0]
    for n in range(3):
        install(store, host, f"team/m{n}", "v1", whole := model.whole(8 * MIB, n))
        name = f"http://{host}/team/m{n}:v1"
        process = pullama.start_push(name, "--limit-rate", "40MiB")
        process.wait_event("progress", where=lambda e: e["OverallDone"] > 2 * n * MIB)
        registry.send_signal(signal.SIGSTOP)
        try:
            process.signal(number)
            process.result()
            again = pullama.start_push(name)
        finally:
            registry.send_signal(signal.SIGCONT)
        again.result().ended(0)
        pull_back(pullama, tmp_path, name, f"team/m{n}", "v1", whole)
