"""Fixtures of the end-to-end tests: a store, the program, a scripted registry."""
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import campaign  # noqa: E402
from support.distribution import Distribution  # noqa: E402
from support.program import Program  # noqa: E402
from support.registry import Registry  # noqa: E402
from support.store import check_store, install  # noqa: E402
from support.uploads import PushRegistry  # noqa: E402


def pytest_configure():
    """Whoever runs the tests may have signals ignored, as nohup has hang-ups and a shell has interrupts of what runs in
    the background, and the program would rightly keep to that. What is caught here has its default again in the processes
    that are started."""
    for number, handler in ((signal.SIGHUP, lambda number, frame: None), (signal.SIGINT, signal.default_int_handler)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    marker = item.get_closest_marker("campaign")
    if marker and not report.skipped and (report.failed or report.when == "call"):
        campaign.count(marker.args[0], cases=int(report.when == "call"), wrong=int(report.failed))


def pytest_terminal_summary(terminalreporter):
    """Tells what was counted, and how each test that failed is repeated."""
    for report in terminalreporter.stats.get("failed", []):
        given = {name: value for name, value in os.environ.items()
                 if name.startswith("PULLAMA_") and name != "PULLAMA_CAMPAIGN"}
        terminalreporter.write_line(f"repeat: {campaign.repeat(terminalreporter.config.rootpath / report.nodeid, **given)}")
    for part in campaign.parts.values():
        terminalreporter.write_line(f"campaign: {part}")
    campaign.save()


@pytest.fixture
def store(tmp_path, request):
    """The models directory. What is in it after the test must be valid."""
    path = tmp_path / "models"
    yield path
    if not request.node.get_closest_marker("broken_store"):
        check_store(path)


@pytest.fixture
def pullama(tmp_path, store):
    program = Program(tmp_path, store)
    yield program
    program.stop_all()


@pytest.fixture
def serve():
    """Makes scripted registries that end with the test."""
    running = []

    def start(**options):
        running.append(Registry(**options))
        return running[-1]

    yield start
    for registry in running:
        registry.stop()


@pytest.fixture
def receive():
    """Makes scripted registries that take uploads, and minds what they did not like."""
    running = []

    def start(**options):
        running.append(PushRegistry(**options))
        return running[-1]

    yield start
    for registry in running:
        registry.stop()
    for registry in running:
        assert not registry.problems, registry.problems


@pytest.fixture
def put(store):
    """Installs a model under a registry's name, and gives the reference to push it by."""
    def install_at(registry, pushed, repository="alice/m", tag="v1"):
        install(store, registry.host, repository, tag, pushed)
        return registry.name(repository, tag)
    return install_at


@pytest.fixture
def registry(serve):
    """A registry that serves blobs itself."""
    return serve()


@pytest.fixture
def far(serve):
    """A registry that redirects blobs to an object store on another port."""
    return serve(mode="redirect")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority of our own, and a certificate for this machine."""
    folder = tmp_path_factory.mktemp("ca")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=Authority of the tests")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:hf.co,DNS:huggingface.co,DNS:cdn.example\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "server.pem", "-days", "2", "-extfile", "names")
    return folder


@pytest.fixture
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    return context


@pytest.fixture
def distribution(tmp_path, authority):
    running = []

    def start(**options):
        folder = tmp_path / f"servers{len(running)}"
        folder.mkdir()
        running.append(Distribution(folder, authority, **options))
        return running[-1]

    yield start
    for one in running:
        one.stop()
