"""The program gives up what it does not need, and still resolves names and checks certificates."""
import ctypes
import re
import subprocess
from pathlib import Path

import pytest
from support import model, tracing
from support.model import MIB
from support.store import install

VERSION = 444, None, 0, 1  # landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)


def kernel_abi():
    return ctypes.CDLL(None).syscall(*VERSION)


@pytest.fixture
def landlock():
    if kernel_abi() < 2:
        pytest.skip(f"this kernel's Landlock has version {kernel_abi()}, and 2 is needed")


@pytest.fixture
def trace(pullama):
    """Runs the program under strace, with the calls that are asked for in the log that comes back."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    log = pullama.folder / "trace"

    def run(calls, *arguments, inject=(), **environment):
        wrapper = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}"]
        for what in inject:
            wrapper += ["-e", f"inject={what}"]
        result = pullama.run(*arguments, wrapper=wrapper, environment={**tracing.UNTRACED, **environment})
        return result, log.read_text()
    return run


def test_it_is_confined_before_it_connects_or_starts_a_thread(trace, registry, landlock):
    registry.add("library/m", "latest", model.small(1 * MIB))
    result, log = trace("landlock_restrict_self,clone,clone3,connect", "pull", registry.name("library/m"))
    result.ended(0)
    calls = re.findall(r"^\d+ +(\w+)\(.*= (\d+|-1)", log, re.MULTILINE)
    assert calls[0] == ("landlock_restrict_self", "0") and "connect" in dict(calls), log


def test_every_thread_of_a_running_pull_is_confined(pullama, registry, landlock):
    registry.add("library/m", "latest", model.small(4 * MIB))
    pull = pullama.start_pull(registry.name("library/m"), "--limit-rate", "1M")
    pull.wait_event("progress")
    threads = list(Path(f"/proc/{pull.pid}/task").iterdir())
    assert len(threads) > 1
    for thread in threads:
        assert "NoNewPrivs:\t1" in (thread / "status").read_text(), thread
    pull.kill()


INTRUDER = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    int fd = open(getenv("INTRUDER_FILE"), O_WRONLY | O_CREAT, 0644);
    (void)!write(2, fd < 0 ? "refused\n" : "written\n", 8);
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}
"""


def test_code_that_was_slipped_in_cannot_write_elsewhere(trace, registry, tmp_path, landlock):
    """The same code, in the same program, on a kernel with confinement and on one without."""
    registry.add("library/m", "latest", model.small(1000))
    (tmp_path / "intruder.c").write_text(INTRUDER)
    library, target = tmp_path / "intruder.so", tmp_path / "target"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "intruder.c"], check=True)
    environment = {"INTRUDER_FILE": str(target), "LD_PRELOAD": str(library)}
    environment["ASAN_OPTIONS"] = tracing.UNTRACED["ASAN_OPTIONS"] + ":verify_asan_link_order=0"
    result, _ = trace("landlock_create_ruleset", "pull", registry.name("library/m"), **environment)
    assert set(result.ended(0).err.split()) == {"refused"} and not target.exists(), result
    result, _ = trace("landlock_create_ruleset", "cp", registry.name("library/m"), "other",
                      inject=["landlock_create_ruleset:error=ENOSYS"], **environment)
    assert set(result.ended(0).err.split()) == {"written"} and target.exists(), result


@pytest.mark.parametrize("answer", ["error=ENOSYS", "error=EOPNOTSUPP", "error=EPERM", "retval=1"])
def test_a_kernel_that_cannot_confine_is_no_obstacle(trace, registry, answer):
    registry.add("library/m", "latest", model.small(1000))
    result, log = trace("landlock_create_ruleset,landlock_add_rule,landlock_restrict_self", "pull",
                        registry.name("library/m"), inject=[f"landlock_create_ruleset:{answer}"])
    result.ended(0)
    assert result.err == "" and "landlock_restrict_self" not in log, (result, log)


def test_a_kernel_that_refuses_at_the_last_step_is_no_obstacle(trace, registry, landlock):
    registry.add("library/m", "latest", model.small(1000))
    result, log = trace("landlock_restrict_self", "pull", registry.name("library/m"),
                        inject=["landlock_restrict_self:error=E2BIG"])
    result.ended(0)
    assert "E2BIG" in log


def test_names_are_resolved_and_certificates_checked(pullama, serve, tls, authority):
    registry = serve(mode="redirect", tls=tls)
    registry.add("library/m", "latest", model.small(2 * MIB))
    name = registry.name("library/m").replace("127.0.0.1", "localhost")
    assert "localhost" in name
    refused = pullama.pull(name, "--max-retries", "0").ended(1)
    assert refused.last["Code"] == "tls" and "certificate" in refused.err.lower(), refused
    pullama.pull(name, "--cacert", authority / "ca.pem").ended(0)


def test_models_and_authorities_by_relative_paths(pullama, serve, tls, authority, tmp_path):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(1000))
    (tmp_path / "ca.pem").symlink_to(authority / "ca.pem")
    pullama.pull(registry.name("library/m"), "--cacert", "ca.pem", "--models-dir", "new/models", cwd=tmp_path).ended(0)
    assert (tmp_path / "new/models/blobs").is_dir()


def test_archives_are_written_and_read_in_a_confined_process(trace, store, tmp_path, landlock):
    install(store, "registry.ollama.ai", "library/m", "v1", model.small(1 * MIB))
    calls = "landlock_restrict_self,clone,clone3"
    for words in (("export", "m:v1", "-o", tmp_path / "out" / "a.zip"),
                  ("import", tmp_path / "out" / "a.zip", "--models-dir", tmp_path / "other")):
        (tmp_path / "out").mkdir(exist_ok=True)
        result, log = trace(calls, *words)
        result.ended(0)
        made = re.findall(r"^\d+ +(\w+)\(.*= (\d+|-1)", log, re.MULTILINE)
        assert made[0] == ("landlock_restrict_self", "0") and len(made) > 1, log
