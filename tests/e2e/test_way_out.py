"""Through real proxies, by given addresses, and past addresses that are dead."""
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import model
from support.model import MIB
from support.program import wait_for

NAMESPACE = Path(__file__).resolve().parents[1] / "support" / "dead_addresses.py"
SECRET = "s3cr3t-word"


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Proxy:
    """A real proxy on a port of its own, and what it wrote about its requests."""

    def __init__(self, folder, name, credentials):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.log = folder / f"{name}.log"
        user, _, password = credentials.partition(":")
        if name == "tinyproxy":
            config = folder / "tinyproxy.conf"
            config.write_text(f"Port {self.port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nLogLevel Connect\n"
                              + (f"BasicAuth {user} {password}\n" if user else ""))
            command = ["tinyproxy", "-d", "-c", config]
        else:
            command = ["microsocks", "-i", "127.0.0.1", "-p", str(self.port),
                       *(["-u", user, "-P", password] if user else [])]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: answers(self.port), f"{name} to listen")

    def said(self, text):
        return text in self.log.read_text(errors="replace")

    def stop(self):
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def proxy(tmp_path):
    running = []

    def start(name, credentials=""):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
        running.append(Proxy(tmp_path, name, credentials))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def tiny(registry):
    return registry.add("library/m", "latest", model.small(2 * MIB))


def test_plain_http_through_an_http_proxy(pullama, registry, tiny, proxy):
    way = proxy("tinyproxy")
    pullama.pull(registry.name("library/m"), "--proxy", f"http://127.0.0.1:{way.port}").ended(0)
    assert way.said(f"127.0.0.1:{registry.registry.port}") and len(registry.requests("/blobs/")) >= 2


def test_tls_through_an_http_proxy_and_the_proxy_sees_no_header(pullama, serve, tls, authority, proxy):
    registry, way = serve(tls=tls), proxy("tinyproxy")
    registry.add("library/m", "latest", model.small(2 * MIB))
    pullama.pull(registry.name("library/m"), "--proxy", f"http://127.0.0.1:{way.port}", "--cacert",
                 authority / "ca.pem").ended(0)
    assert way.said("CONNECT") and not way.said("/blobs/")


@pytest.mark.parametrize("scheme, name", [("http", "tinyproxy"), ("socks5", "microsocks"), ("socks5h", "microsocks")])
def test_a_proxy_that_wants_a_password(pullama, registry, tiny, proxy, scheme, name):
    way = proxy(name, "me:" + SECRET)
    url = f"{scheme}://me:{SECRET}@127.0.0.1:{way.port}"
    result = pullama.pull(registry.name("library/m"), "--proxy", url).ended(0)
    assert SECRET not in result.out + result.err
    for request in registry.log:
        assert not any(header.startswith("proxy-") for header in request.headers), request
        assert SECRET not in str(request.headers)


@pytest.mark.parametrize("scheme, name", [("http", "tinyproxy"), ("socks5", "microsocks")])
@pytest.mark.parametrize("output", ["json", "debug"])
def test_a_wrong_password_of_a_proxy_is_not_printed(pullama, serve, tls, authority, proxy, scheme, name, output):
    registry, way = serve(tls=tls), proxy(name, "me:" + SECRET)
    url = f"{scheme}://me:wrong-{SECRET}@127.0.0.1:{way.port}"
    result = pullama.run("pull", registry.name("library/m"), "--proxy", url, "--max-retries", "0", "--output", output,
                         "--cacert", authority / "ca.pem")
    assert result.status in (3, 6) and str(way.port) in result.err, result
    assert SECRET not in result.out + result.err and registry.log == []


def test_socks5_sends_addresses_and_socks5h_names(pullama, registry, tiny, proxy):
    way = proxy("microsocks")
    for scheme, seen in (("socks5", "127.0.0.1"), ("socks5h", "localhost")):
        name = f"http://localhost:{registry.registry.port}/library/m:latest"
        pullama.run("rm", name)
        pullama.pull(name, "-4", "--proxy", f"{scheme}://127.0.0.1:{way.port}").ended(0)
        assert way.said(f"connected to {seen}:{registry.registry.port}"), way.log.read_text()


def test_a_proxy_that_is_gone_is_named(pullama, registry, tiny, proxy):
    way = proxy("tinyproxy")
    way.stop()
    result = pullama.pull(registry.name("library/m"), "--proxy", f"http://127.0.0.1:{way.port}", "--max-retries", "0")
    assert result.status == 6 and f"127.0.0.1:{way.port}" in result.err and registry.log == []


def test_no_proxy_keeps_a_host_out(pullama, registry, tiny):
    """The variable names a proxy that nobody runs; the registry's own address is excepted by its network."""
    port = registry.registry.port
    way = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "192.0.2.1,10.0.0.0/8, registry.test"}
    pullama.pull(f"http://registry.test:{port}/library/m", "--resolve", f"registry.test:{port}:127.0.0.1",
                 environment=way).ended(0)
    other = {**way, "no_proxy": "registry.test:1"}
    refused = pullama.pull(f"http://registry.test:{port}/library/m", "--resolve", f"registry.test:{port}:127.0.0.1",
                           "--max-retries", "0", environment=other).ended(6)
    assert "proxy" in refused.err


def test_resolve_gives_a_name_its_address(pullama, serve, tls, authority):
    registry = serve(tls=tls)
    registry.add("library/m", "latest", model.small(MIB))
    port = registry.registry.port
    # The certificate is for localhost alone: it is the name that is checked, wherever the name leads.
    refused = pullama.pull(f"registry.test:{port}/library/m", "--resolve", f"registry.test:{port}:127.0.0.1",
                           "--cacert", authority / "ca.pem").ended(1)
    assert refused.last["Code"] == "tls"
    plain = serve()
    plain.add("library/m", "latest", model.small(MIB))
    port = plain.registry.port
    pullama.pull(f"http://registry.test:{port}/library/m", "--resolve", f"registry.test:{port}:127.0.0.1").ended(0)
    assert plain.log[0].headers["host"] == f"registry.test:{port}"


@pytest.mark.parametrize("value", ["registry.test", "registry.test:80", "registry.test:80:elsewhere"])
def test_a_wrong_resolve_is_wrong_usage(pullama, registry, value):
    result = pullama.run("pull", registry.name("library/m"), "--resolve", value).ended(64)
    assert value in result.err and "HOST:PORT:ADDRESS" in result.err


def test_both_kinds_of_addresses_exclude_each_other(pullama, registry):
    assert "exclude" in pullama.run("pull", "-4", "-6", registry.name("library/m")).ended(64).err


def test_dead_addresses_cost_little(pullama, tmp_path):
    """In a network of its own, with addresses from which no packet ever returns."""
    done = subprocess.run(["unshare", "-n", sys.executable, NAMESPACE, pullama.path, tmp_path], capture_output=True,
                          text=True, check=False, timeout=120)
    if done.returncode == 77:
        pytest.skip("may not make a network here: " + done.stderr.strip()[-200:])
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    # One wait each, for the first connection; the library's own times are 200 ms and half of 16 s.
    assert found["dead IPv6"] - found["plain"] < 5, found
    assert found["dead first address"] - found["plain"] < 16, found
    assert found["only IPv4"] - found["plain"] < 5, found
