"""The store's commands, killed at each system call by which they change something, or failing there.

As test_calls.py does it for a pull: a sample, by PULLAMA_SEED; each call with PULLAMA_STRACE=all, and one case alone with
PULLAMA_STRACE=rm/unlinkat/EIO/2: the command, the call, what it does, and which one it is.
"""
import os
import random
import re
import shutil

import pytest
from support import campaign, gguf, tracing
from support.model import MIB, Layer, Model, noise
from support.program import Program
from support.store import age, blob_path, check_store, install, manifest_files

PART = "system calls of the store's commands"
WANTED = os.environ.get("PULLAMA_STRACE", "")
SAMPLE = 2
HOST = "registry.ollama.ai"
HERE = __file__
SHARED = Layer("model", noise(MIB, 1))
OLD, NEW = (Model([SHARED, Layer("template", text)]) for text in (b"old", b"new, and longer"))
ERRORS = {"openat": ("EIO", "ENOMEM"), "mkdirat": ("EIO", "ENOSPC"), "pwrite64": ("EIO", "ENOSPC"), "fsync": ("EIO",),
          "renameat": ("EIO", "ENOSPC"), "unlinkat": ("EIO",), "flock": ("ENOLCK",), "linkat": ("EIO", "EXDEV"),
          "copy_file_range": ("EIO", "ENOSPC", "EXDEV"), "fallocate": ("EIO", "ENOSPC")}
KINDS = [f"{call}/{what}" for call, errors in ERRORS.items() for what in ("SIGKILL", *errors)]


def put_orphan(store):
    path = blob_path(store, Layer("model", b"nobody's").digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"nobody's")
    age(path, seconds=7200)


def fill(store, host):
    shutil.rmtree(store, ignore_errors=True)
    for name in ("one", "two"):
        install(store, HOST, f"library/{name}", "latest", OLD)
    install(store, host, "library/m", "latest", OLD)
    put_orphan(store)


COMMANDS = {  # what is run, whether it names a manifest afterwards, and what must be gone
    "rm": (("rm", "one", "two"), None, (f"{HOST}/library/one/latest", f"{HOST}/library/two/latest")),
    "cp": (("cp", "one", "me/copy"), f"{HOST}/me/copy/latest", ()),
    "prune": (("prune",), None, ()),
    "clean": (("clean",), None, ()),
    "adopt": (("adopt", "FILE", "--as", "me/own"), f"{HOST}/me/own/latest", ()),
    "link": (("adopt", "FILE", "--as", "me/own", "--link"), f"{HOST}/me/own/latest", ()),
    "update": (("update", "--all", "--insecure", "--max-retries", "0"), "NEW", ()),
    "sync": (("sync", "LOCK", "--insecure", "--prune"), "NEW", (f"{HOST}/library/one/latest",)),
}


@pytest.fixture
def command(request, registry, tmp_path):
    """The words of a command, with its files in place."""
    registry.add("library/m", "latest", NEW)
    (tmp_path / "own.gguf").write_bytes(gguf.make_of_about(MIB, filler=lambda n: noise(n, 5)))
    (tmp_path / "lock").write_text(f"version 1\n{registry.host}/library/m@{NEW.digest}\nend\n")
    words, made, gone = COMMANDS[request.param]
    if made == "NEW":
        made = f"{registry.host}/library/m/latest"
    return [{"FILE": tmp_path / "own.gguf", "LOCK": tmp_path / "lock"}.get(w, w) for w in words], made, gone


def check_done(store, made, gone):
    check_store(store)
    manifests = {str(path.relative_to(store / "manifests")) for path in manifest_files(store)}
    assert made is None or made in manifests
    assert not manifests & set(gone)


def hit(pullama, store, host, command, kind, number):
    """Lets one call fail or be the last. False when there is no such call any more."""
    words, made, gone = command
    call, _, what = kind.partition("/")
    log = pullama.folder / "trace"
    log.unlink(missing_ok=True)
    fill(store, host)
    is_kill = what == "SIGKILL"
    result = pullama.start(*words, environment=tracing.UNTRACED, wrapper=tracing.inject(
        call, f"signal={what}" if is_kill else f"error={what}", number, log, "pwrite64")).result()
    if result.status != -9 if is_kill else "INJECTED" not in log.read_text(errors="replace"):
        return False
    check_store(store)
    if not is_kill and result.status:
        assert result.err.strip() and result.status in (1, 2, 4, 5, 6), result
    again = pullama.run(*words, environment=tracing.UNTRACED)
    assert again.status == 0 or (words[0] == "rm" and again.status == 4), again
    check_done(store, made, gone)
    return True


@pytest.fixture(scope="module")
def own_calls(tmp_path_factory):
    """call → number of its first one that is not the loader's."""
    if not tracing.can_trace():
        pytest.skip("strace may not trace here")
    folder = tmp_path_factory.mktemp("calls")
    log = folder / "trace"
    Program(folder, folder / "models").start("list", environment=tracing.UNTRACED, wrapper=[
        "strace", "-f", "-qq", "-o", str(log)]).result().ended(0)
    lines = [re.match(r"(\d+) +(\w+)\((.*)", line) for line in log.read_text().splitlines()]
    lines = [line for line in lines if line]
    own = next(n for n, line in enumerate(lines) if '"/dev/null"' in line[3])
    return {call: 1 + sum(line[2] == call for line in lines[:own]) for call in ERRORS}


def numbers(name, kind, first):
    case = f"{name}/{kind}/"
    if WANTED.startswith(case):
        return [int(WANTED.rpartition("/")[2])]
    if WANTED == "all":
        return range(first, 1000)
    chance = random.Random(f"{campaign.SEED}/{case}")
    return sorted(chance.sample(range(first, first + 8), SAMPLE))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name, command", [(name, name) for name in COMMANDS], indirect=["command"], ids=list(COMMANDS))
def test_a_call_that_fails_or_is_the_last(pullama, store, registry, own_calls, name, command, kind):
    """P4: the store is valid after it, and the same command finishes."""
    if WANTED not in ("", "all") and not WANTED.startswith(f"{name}/{kind}/"):
        pytest.skip("another case is wanted")
    wrong = []
    for number in numbers(name, kind, own_calls[kind.partition("/")[0]]):
        try:
            if not hit(pullama, store, registry.host, command, kind, number):
                break
        except AssertionError as error:
            case = f"{name}/{kind}/{number}"
            wrong.append(f"{case}: {error}\nrepeat: {campaign.repeat(HERE, PULLAMA_STRACE=case)}\n")
        campaign.count(PART, wrong=0, seed=campaign.SEED)
    campaign.count(PART, cases=0, wrong=len(wrong))
    assert not wrong, "\n".join(wrong)
