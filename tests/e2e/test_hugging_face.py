"""HF_TOKEN goes to Hugging Face's two names, over checked TLS, and nowhere else."""
import pytest
from support import model
from support.docker import log_in, pair
from support.model import MIB
from support.registry import Redirects
from support.store import check_model
from support.tokens import Realm
from support.tunnel import Tunnel

REALM = "https://huggingface.co/token"
TOKEN = "hf_of_the_tests_and_secret"


@pytest.fixture
def hub(pullama, serve, tls, authority):
    """Hugging Face as this machine sees it, and an object store that it redirects to."""
    class Hub:
        def __init__(self):
            self.registry = serve(tls=tls, realm=Realm("static", url=REALM, users={"me": TOKEN}))
            self.store = serve(tls=tls)
            self.tiny = self.registry.add("team/m", "Q4", model.small(2 * MIB))
            self.store.blobs.update(self.tiny.blobs)
            self.registry.mode = "redirect"
            self.registry.redirects = Redirects(target=lambda digest: f"https://cdn.example/v2/team/m/blobs/{digest}")
            ours = self.registry.registry.port
            self.tunnel = Tunnel({"hf.co:443": ours, "huggingface.co:443": ours, "cdn.example:443": self.store.registry.port})

        def pull(self, name, *more, token=TOKEN):
            return pullama.pull(name, "--proxy", self.tunnel.url, "--cacert", authority / "ca.pem", "--max-retries", "0", *more,
                                environment={"HF_TOKEN": token})

        def shown(self, registry=None):
            return [r.headers["authorization"] for r in (registry or self.registry).requests() if "authorization" in r.headers]

    hub = Hub()
    yield hub
    hub.tunnel.stop()


@pytest.mark.parametrize("host", ["hf.co", "huggingface.co"])
def test_both_names_take_the_token(store, hub, host):
    result = hub.pull(f"{host}/team/m:Q4").ended(0)
    check_model(store, hub.registry, "team/m", "Q4", hub.tiny, host=host)
    assert set(hub.shown()) == {"Bearer " + TOKEN}
    assert hub.store.requests() and hub.shown(hub.store) == []
    assert not [head for head in hub.tunnel.heads if TOKEN in head] and TOKEN not in result.out + result.err


def test_one_name_may_send_to_the_other(hub):
    hub.registry.fault("/manifests/", status=307, when=lambda r: r.headers["host"] == "hf.co",
                       headers={"Location": "https://huggingface.co/v2/team/m/manifests/Q4"})
    hub.pull("hf.co/team/m:Q4").ended(0)
    assert any(r.headers["host"] == "huggingface.co" for r in hub.registry.requests("/manifests/"))


def test_a_public_model_needs_no_token_and_sees_none(hub):
    hub.registry.realm = None
    hub.pull("hf.co/team/m:Q4").ended(0)
    assert hub.shown() == []


def test_a_refused_token_is_named(hub):
    result = hub.pull("hf.co/team/m:Q4", token="hf_wrong").ended(3)
    assert "HF_TOKEN" in result.err and "hf.co" in result.err and "hf_wrong" not in result.out + result.err
    assert len(hub.registry.requests()) < 8


@pytest.mark.parametrize("token", [" " + TOKEN + "\n", TOKEN + "\r\n"])
def test_blanks_around_the_token(hub, token):
    hub.pull("hf.co/team/m:Q4", token=token).ended(0)


@pytest.mark.parametrize("token", ["hf one", "hf\nX-Evil: 1", "hf\x01"])
def test_what_is_no_token(hub, token):
    result = hub.pull("hf.co/team/m:Q4", token=token).ended(3)
    assert "HF_TOKEN" in result.err and hub.shown() == []
    assert not [r for r in hub.registry.requests() if "x-evil" in r.headers]


@pytest.mark.parametrize("name", ["https+insecure://hf.co/team/m:Q4", "http://hf.co/team/m:Q4", "cdn.example/team/m:Q4"])
def test_elsewhere_it_does_not_go(hub, name):
    hub.store.realm = Realm("static", url=REALM, users={"me": TOKEN})
    hub.pull(name).ended(3)
    assert hub.shown() == [] and hub.shown(hub.store) == []
    assert not [head for head in hub.tunnel.heads if "uthorization" in head]


def test_without_a_usable_token_the_key_is_next(pullama, store, hub):
    hub.registry.realm = Realm("ollama", url=REALM)
    pullama.run("keygen").ended(0)
    hub.pull("hf.co/team/m:Q4", token="").ended(0)
    check_model(store, hub.registry, "team/m", "Q4", hub.tiny, host="hf.co")
    hub.pull("huggingface.co/team/m:Q4", token="hf_unknown").ended(0)
    assert hub.registry.realm.refusals == []


def test_a_token_in_the_environment_comes_before_a_stored_password(pullama, hub):
    log_in(pullama.home, "hf.co", "me", "stored")
    hub.pull("hf.co/team/m:Q4").ended(0)
    assert "Basic " + pair("me", "stored") not in hub.shown()
