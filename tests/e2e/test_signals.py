"""SIGINT and SIGTERM end a pull gracefully and fast; nothing that was received is lost."""
import json
import os
import signal
import subprocess
import time

import pytest
from support import model, tracing
from support.model import MIB
from support.program import FAR_TOO_LONG_S
from support.store import blob_name, check_model, check_store

NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}  # it would count as our time


@pytest.fixture
def tiny(registry):
    return registry.add("library/m", "latest", model.small(8 * MIB))


def interrupt(pullama, registry, number, size=4 * MIB, *arguments, **options):
    registry.gate.limit(size)
    process = pullama.start_pull(registry.name("library/m"), "--chunk-size", "1MiB", "-x", "2", *arguments, **options)
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= size - 64 * 1024)
    began = time.monotonic()
    process.signal(number)
    result = process.result(10)
    registry.gate.limit(None)
    return result, time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_ends_a_pull(pullama, store, registry, tiny, number):
    result, seconds = interrupt(pullama, registry, number, environment=NO_LEAK_CHECK)
    result.ended(0)
    assert seconds < FAR_TOO_LONG_S
    name = registry.name("library/m", scheme=False)
    line = next(line for line in result.err.splitlines() if "interrupted" in line)
    assert line.startswith("interrupted — resume with: pullama ") and name in line
    assert result.named("interrupted")
    assert result.last["event"] == "failed" and result.last["Code"] == "interrupted"
    check_store(store)


def test_nothing_is_lost_by_an_interrupt(pullama, store, registry, tiny):
    interrupt(pullama, registry, signal.SIGINT)
    before = registry.blob_bytes()
    assert before >= 4 * MIB - 64 * 1024
    registry.forget()
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    # Only what lay unread in two sockets' buffers.
    assert before + registry.blob_bytes() <= tiny.size + MIB


def test_the_hint_really_resumes(pullama, store, registry, tiny):
    result, _ = interrupt(pullama, registry, signal.SIGINT)
    line = next(line for line in result.err.splitlines() if "resume with: " in line)
    arguments = line.partition("resume with: pullama ")[2].split()
    pullama.run(*arguments).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


def test_the_hint_resumes_every_model_of_the_command(pullama, store, registry, tiny):
    other = registry.add("library/other", "latest", model.small(MIB, seed=9))
    result, _ = interrupt(pullama, registry, signal.SIGINT, 4 * MIB, registry.name("library/other"))
    assert result.err.count("interrupted") == 1, result
    arguments = result.err.partition("resume with: pullama ")[2].split()
    pullama.run(*arguments).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    check_model(store, registry, "library/other", "latest", other)


def test_interrupted_while_it_waits_for_a_retry(pullama, registry, tiny):
    registry.fault("/manifests/", status=503, headers={"Retry-After": "30"})
    process = pullama.start_pull(registry.name("library/m"), environment=NO_LEAK_CHECK)
    process.wait_event("retry")
    began = time.monotonic()
    process.signal(signal.SIGINT)
    process.result(10).ended(0)
    assert time.monotonic() - began < FAR_TOO_LONG_S


def test_interrupted_while_it_waits_for_another_process(pullama, registry, tiny):
    registry.gate.limit(MIB)
    first = pullama.start_pull(registry.name("library/m"))
    first.wait_event("progress")
    second = pullama.start_pull(registry.name("library/m"), environment=NO_LEAK_CHECK)
    second.wait_event("blob_waiting")
    began = time.monotonic()
    second.signal(signal.SIGINT)
    second.result(10).ended(0)
    assert time.monotonic() - began < FAR_TOO_LONG_S
    registry.gate.limit(None)
    first.result().ended(0)


def test_interrupted_before_the_manifest_came(pullama, store, registry, tiny):
    registry.fault("/manifests/", silent_at=10)
    process = pullama.start_pull(registry.name("library/m"), environment=NO_LEAK_CHECK)
    process.wait_event("manifest_fetch_start")
    time.sleep(0.1)
    process.signal(signal.SIGINT)
    process.result(10).ended(0)


def test_a_second_signal_ends_at_once_with_1(pullama, store, registry, tiny):
    registry.gate.limit(3 * MIB)
    process = pullama.start_pull(registry.name("library/m"), "--chunk-size", "1MiB")
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= 2 * MIB)
    # Both arrive before it can do anything about the first.
    process.signal(signal.SIGSTOP)
    process.signal(signal.SIGINT)
    process.signal(signal.SIGTERM)
    process.signal(signal.SIGCONT)
    process.result(5).ended(1)
    check_store(store)
    registry.gate.limit(None)
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", tiny)


def test_all_models_of_a_command_are_stopped(pullama, registry, tiny):
    registry.add("library/second", "latest", model.small(1000, 5))
    registry.gate.limit(2 * MIB)
    process = pullama.start_pull(registry.name("library/m"), registry.name("library/second"))
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= MIB)
    process.signal(signal.SIGINT)
    process.result(10).ended(0)
    assert registry.requests("/library/second/") == []


def test_a_closed_pipe_never_kills_by_signal(pullama, registry, tiny):
    reader, writer = os.pipe()
    process = subprocess.Popen([str(pullama.path), "pull", registry.name("library/m")], stdout=writer,
                               stderr=subprocess.PIPE, env=pullama.environment)
    os.close(writer)
    os.close(reader)
    _, err = process.communicate(timeout=30)
    assert process.returncode >= 0, err


def test_what_came_while_a_sync_ran_is_recorded_too(pullama, store, registry):
    """Another boot would know nothing but the checkpoint."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    big = registry.add("library/m", "latest", model.small(80 * MIB))
    registry.gate.limit(50 * MIB)
    wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
               "-e", "inject=fdatasync:delay_enter=2000000:when=1"]
    process = pullama.start_pull(registry.name("library/m"), "--chunk-size", "8MiB", "-x", "2", wrapper=wrapper,
                                 environment=tracing.UNTRACED)
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= 49 * MIB)
    time.sleep(1.6)  # now a sync is due, and takes two seconds
    registry.gate.limit(8 * MIB)
    process.wait_event("progress", where=lambda e: e["OverallDone"] >= 57 * MIB)
    pid = int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, check=True, text=True).stdout)
    os.kill(pid, signal.SIGINT)
    process.result(20).ended(0)
    registry.gate.limit(None)
    checkpoint = json.loads((store / ".pullm" / (blob_name(big.layers[0].digest) + ".json")).read_bytes())
    assert sum(end - start for start, end in checkpoint["spans"]) >= 57 * MIB - 300
