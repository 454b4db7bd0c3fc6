"""What the network and the registry do wrong during a push, and what must come of it."""
import pytest
from support import model
from support.model import MIB, Layer
from support.program import wait_for
from support.store import leftovers
from support.uploads import ScopedRealm

CHUNK = ("--chunk-size", "1MiB", "-x", "2")
QUICK = ("--stall-timeout", "300ms", *CHUNK)

# The requests of a push, in their order: method, pattern, server, form of uploads.
STEPS = {
    "look": ("HEAD", "/blobs/sha256", None, "plain"),
    "open": ("POST", "/uploads/", None, "plain"),
    "send": ("PATCH", "/uploads/", None, "plain"),
    "send-whole": ("PUT", "digest=", None, "plain-small"),
    "hand-over": ("PATCH", "/uploads/", None, "parts"),
    "store": ("PUT", "^/parts/", "cdn", "parts"),
    "store-direct": ("PUT", "^/direct/", "cdn", "direct"),
    "commit": ("PUT", "digest=", None, "plain"),
    "commit-parts": ("PUT", "digest=", None, "parts"),
    "manifest": ("PUT", "/manifests/", None, "plain"),
}
PASSING = {
    "reset": {"hang_up": True},
    "500": {"status": 500},
    "502": {"status": 502, "body": b"<html>Bad Gateway</html>"},
    "503-later": {"status": 503, "headers": {"Retry-After": "1"}},
    "429": {"status": 429, "headers": {"Retry-After": "1"}},
    "408": {"status": 408},
    "stall": {"delay": 600},
}


def make(form, size=3 * MIB):
    if form == "direct":
        return model.Model([Layer("tensor", model.noise(size, 1), name="a"), Layer("tensor", model.noise(size, 2), name="b")])
    if form == "plain-small":
        return model.Model([Layer("license", f"text {n}".encode()) for n in range(6)])
    return model.whole(size)


def start(receive, put, form, **options):
    registry = receive(form=form.removesuffix("-small"), **options)
    return registry, (pushed := make(form)), put(registry, pushed)


# All faults where bytes go, and some of them elsewhere.
CASES = [(step, fault) for step in STEPS for fault in PASSING
         if step in ("send", "store", "commit") or fault in ("reset", "500", "stall")]


@pytest.mark.parametrize("step,fault", CASES)
def test_what_passes_with_time_costs_only_time(pullama, store, receive, put, step, fault):
    method, pattern, server, form = STEPS[step]
    registry, pushed, name = start(receive, put, form)
    # Not the first one: then something is under way already.
    skip = 1 if step not in ("manifest",) else 0
    rule = registry.fault(pattern, times=1, skip=skip, method=method, server=server, **PASSING[fault])
    if fault == "stall" and step in ("commit", "commit-parts", "manifest"):
        pytest.skip("has its time: another test")
    result = pullama.push(name, *QUICK).ended(0)
    # That a kept connection was dead when nothing had been sent on it is not worth a word.
    assert rule.hits == 1 and (fault == "reset" or len(result.named("retry")) == 1), result
    registry.check_pushed("alice/m", "v1", pushed)
    assert not leftovers(store)


@pytest.mark.parametrize("fault", ["reset", "500", "stall"])
@pytest.mark.parametrize("form", ["plain", "parts", "direct", "old"])
def test_broken_in_the_middle_of_a_body(pullama, receive, put, form, fault):
    options = {"old": True, "form": "plain"} if form == "old" else {"form": form}
    registry = receive(**options)
    name = put(registry, pushed := make(form, 4 * MIB))
    how = {"reset": {"hang_up": True}, "500": {"status": 500}, "stall": {"silent_at": 0, "hang_up": True}}[fault]
    pattern, method = ("/uploads/", "PATCH") if options["form"] == "plain" else ("^/(parts|direct)/", "PUT")
    at = 700_000
    rule = registry.fault(pattern, method=method, times=1, take=at, when=lambda r: r.length >= MIB, **how)
    result = pullama.push(name, *QUICK).ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert rule.hits == 1
    extra = registry.wire_bytes("/(blobs|parts|direct)/") - pushed.size
    if form == "plain":
        assert extra == 0  # what the registry took is not sent again
    elif form == "old":
        assert len(result.named("upload_lost")) == 1
    else:
        assert extra == at  # that part alone


def test_broken_again_and_again_a_push_goes_on_while_bytes_get_through(pullama, receive, put):
    registry = receive()
    name = put(registry, pushed := model.small(6 * MIB))
    rule = registry.fault("/uploads/", method="PATCH", take=300_000, hang_up=True, when=lambda r: r.length > 400_000)
    result = pullama.push(name, "--max-retries", "1", "--chunk-size", "1MiB").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert rule.hits > 6 and registry.wire_bytes("/blobs/") == pushed.size
    assert {event["Attempt"] for event in result.named("retry")} == {1}


@pytest.mark.parametrize("step", STEPS)
def test_what_does_not_pass_ends_after_the_retries(pullama, receive, put, step):
    method, pattern, server, form = STEPS[step]
    registry, _, name = start(receive, put, form)
    registry.fault(pattern, method=method, server=server, status=503)
    result = pullama.push(name, "--max-retries", "2", "-x", "1", "--chunk-size", "1MiB").ended(6)
    assert result.last["Code"] == "network" and "503" in result.err and "run the same command again" in result.err
    assert max(event["Attempt"] for event in result.named("retry")) == 2


def test_nobody_there(pullama, receive, put):
    registry, _, name = start(receive, put, "plain")
    registry.stop()
    assert pullama.push(name, "--max-retries", "1").ended(6).last["Code"] == "network"


def test_bytes_that_never_reach_the_registry(pullama, receive, put):
    """Each try breaks off before the registry has more than before: so it must end."""
    registry = receive(old=True)
    name = put(registry, model.small(2 * MIB))
    registry.fault("/uploads/", method="PATCH", take=500_000, hang_up=True)
    result = pullama.push(name, "--max-retries", "2")
    assert result.status in (1, 6) and "gave up after" in result.err and len(result.named("upload_lost")) >= 1


# ---- answers that are no good ----

@pytest.mark.parametrize("step,status,code", [
    ("look", 418, 1), ("look", 401, 3), ("look", 403, 3),
    ("open", 404, 1), ("open", 405, 1), ("open", 401, 3), ("open", 403, 3), ("open", 412, 1),
    ("send", 401, 3), ("send", 403, 3), ("send", 451, 1), ("send", 303, 1),
    ("hand-over", 403, 3),
    ("store", 400, 1), ("store", 403, 1), ("store-direct", 403, 1),
    ("commit", 403, 3), ("commit", 507, 6),
    ("manifest", 400, 1), ("manifest", 403, 3), ("manifest", 404, 1), ("manifest", 413, 1),
])
def test_wrong_status(pullama, receive, put, step, status, code):
    method, pattern, server, form = STEPS[step]
    registry, _, name = start(receive, put, form)
    registry.fault(pattern, method=method, server=server, status=status,
                   body=b'{"errors":[{"code":"X","message":"the registry says why"}]}')
    result = pullama.push(name, "--max-retries", "1", *CHUNK).ended(code)
    assert str(status) in result.err or status == 401, result
    assert ("alice/m", "v1") not in registry.manifests
    if status not in (401, 303) and step != "look":
        assert "the registry says why" in result.err


def test_what_the_registry_does_not_want_as_a_blob(pullama, receive, put):
    registry, _, name = start(receive, put, "plain")
    registry.fault("digest=", method="PUT", status=400,
                   body=b'{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}')
    result = pullama.push(name, *CHUNK).ended(5)
    assert "did not match" in result.err and len(registry.requests("digest=", "PUT")) <= 8


def test_bytes_that_were_changed_on_their_way_are_sent_again(pullama, receive, put):
    registry = receive()
    name = put(registry, pushed := model.small(2 * MIB))

    def spoil(request):
        session = next(s for s in registry.sessions.values() if len(s.data) > MIB)
        session.data[7] ^= 1
    registry.fault("digest=", method="PUT", times=1, when=lambda r: any(
        len(s.data) > MIB and s.id in r.target for s in registry.sessions.values()), call=spoil)
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert len(result.named("upload_lost")) == 1


def test_a_commit_whose_answer_was_lost(pullama, receive, put):
    registry = receive()
    name = put(registry, pushed := model.small(2 * MIB))
    registry.fault("digest=", method="PUT", times=1, when=lambda r: len(registry.sessions) > 0,
                   call=lambda r: registry.answer(r), hang_up=True)
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert not result.named("upload_lost") and registry.wire_bytes("/blobs/") == pushed.size


def test_a_registry_that_takes_its_time_with_a_commit(pullama, receive, put):
    registry = receive()
    name = put(registry, pushed := model.small(2 * MIB))
    registry.fault("digest=", method="PUT", delay=1.2)
    registry.fault("/manifests/", method="PUT", delay=1.2)
    result = pullama.push(name, *QUICK).ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert not result.named("retry")


@pytest.mark.parametrize("header,value", [
    ("Location", None), ("Location", "ftp://elsewhere/x"), ("Location", "http://[bad/x"), ("Location", "/x\x01y"),
    ("Location", "/" + "x" * 9000)])
def test_a_session_without_a_usable_address(pullama, receive, put, header, value):
    registry, _, name = start(receive, put, "plain")
    registry.fault("/uploads/$", method="POST", headers={header: value})
    result = pullama.push(name).ended(1)
    assert result.last["Code"] == "protocol", result


def test_a_registry_that_says_it_has_more_than_it_was_sent(pullama, receive, put):
    registry = receive()
    name = put(registry, pushed := model.small(2 * MIB))
    registry.fault("/uploads/", method="PATCH", times=1, headers={"Range": "0-99999999"})
    result = pullama.push(name, "--chunk-size", "1MiB").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert len(result.named("upload_lost")) == 1


def test_a_registry_that_took_less_than_it_was_sent(pullama, receive, put):
    registry = receive()
    name = put(registry, pushed := model.small(2 * MIB))

    def cut(request):
        for session in registry.sessions.values():
            if session.id in request.target:
                del session.data[300_000:]
        return "0-299999"
    registry.fault("/uploads/", method="PATCH", times=1, when=lambda r: r.length == MIB, headers={"Range": cut})
    pullama.push(name, "--chunk-size", "1MiB").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)


@pytest.mark.parametrize("form", ["plain", "parts"])
def test_a_session_that_refuses_bytes_at_its_own_place(pullama, receive, put, form):
    registry = receive(form=form)
    name = put(registry, pushed := model.small(4 * MIB))
    rule = registry.fault("/uploads/.", method="PATCH", when=lambda r: r.length >= MIB and spoilt(r), skip=2, status=416)
    stuck = []

    def spoilt(request):
        """From its third request on, the first session of the large blob is stuck."""
        number = request.path.rpartition("/")[2]
        stuck.append(number)
        return number == stuck[0]
    result = pullama.push(name, "--chunk-size", "1MiB", "-x", "1").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert len(result.named("upload_lost")) == 1 and 1 <= rule.hits <= 2


def test_a_server_that_takes_only_small_bodies(pullama, receive, put):
    registry = receive(most=2 * MIB)
    name = put(registry, pushed := model.small(9 * MIB))
    pullama.push(name, "-x", "1").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert max(r.received for r in registry.requests(method="PATCH")) <= 2 * MIB


def test_what_a_server_takes_is_learnt_once_and_costs_no_retries(pullama, receive, put):
    registry = receive(most=2 * MIB)
    name = put(registry, pushed := model.Model([Layer("model", model.noise(9 * MIB, n)) for n in range(4)]))
    result = pullama.push(name, "-x", "1", "--chunk-size", "8MiB", "--max-retries", "1").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert len([r for r in registry.requests(method="PATCH") if r.status == 413]) == 2  # of 8 and of 4 MiB
    assert not result.named("retry")


# ---- tokens and targets that end ----

def test_tokens_that_expire_in_the_middle(pullama, receive, put):
    registry = receive(realm=ScopedRealm("ollama", uses=3))
    name = put(registry, pushed := model.small(8 * MIB))
    pullama.run("keygen").ended(0)
    result = pullama.push(name, "--chunk-size", "1MiB", "-x", "1").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert registry.realm.issued >= 4 and result.named("refresh") and not result.named("retry")


def test_a_token_that_is_revoked_during_a_body(pullama, receive, put):
    registry = receive(realm=ScopedRealm("ollama"))
    name = put(registry, pushed := model.small(4 * MIB))
    pullama.run("keygen").ended(0)
    registry.fault("/uploads/", method="PATCH", times=1, skip=2, take=200_000, hang_up=True,
                   call=lambda request: None)
    registry.fault("/uploads/", method="GET", times=1, call=lambda request: registry.realm.revoke_all())
    pullama.push(name, "--chunk-size", "1MiB").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert registry.wire_bytes("/blobs/") == pushed.size


@pytest.mark.parametrize("form", ["parts", "direct"])
def test_targets_that_expire(pullama, receive, put, form):
    registry, pushed, name = start(receive, put, form)
    pattern = "^/(parts|direct)/"
    rule = registry.fault(pattern, method="PUT", times=3, status=403, body=b"<Error><Code>ExpiredToken</Code></Error>")
    result = pullama.push(name, *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    # A refusal may be lost, because the server hangs up on a body that it does not read.
    assert rule.hits == 3 and len(result.named("refresh", "retry")) >= 3


def test_no_credential_leaves_the_registry(pullama, receive, put):
    for form in ("parts", "direct"):
        registry, pushed, name = start(receive, put, form, realm=ScopedRealm("ollama"))
        pullama.run("keygen").ended(0)
        pullama.push(name, *CHUNK).ended(0)
        registry.check_pushed("alice/m", "v1", pushed)
        assert registry.requests(server="cdn")
        assert not [r for r in registry.requests(server="cdn") if "authorization" in r.headers]


def test_a_session_on_another_host_gets_no_token(pullama, receive, put):
    other = receive()
    registry = receive(realm=ScopedRealm())
    name = put(registry, pushed := model.small(2 * MIB))
    other.repositories["alice/m"] = set()

    def elsewhere(request):
        address = registry_location(other)
        return address

    def registry_location(target):
        from support.uploads import Session
        session = Session("alice/m")
        target.sessions[session.id] = session
        return target.registry.url + f"/v2/alice/m/blobs/uploads/{session.id}?_state={session.states[-1]}&x=a%2Fb%3D"
    registry.fault("/uploads/$", method="POST", headers={"Location": elsewhere}, when=lambda r: "authorization" in r.headers)
    registry.fault("/manifests/", method="PUT", status=201)
    pullama.push(name, *CHUNK).ended(0)
    assert other.requests(method="PATCH") and not [r for r in other.requests() if "authorization" in r.headers]
    assert set(pushed.blobs) <= set(other.blobs)


def test_https_is_never_left(pullama, receive, put, tls, authority):
    plain = receive()
    registry = receive(tls=tls)
    name = put(registry, model.small(1000))
    registry.fault("/uploads/$", method="POST", headers={"Location": plain.registry.url + "/x"})
    result = pullama.push(name, "--cacert", authority / "ca.pem").ended(1)
    assert "https to http" in result.err and not plain.requests()


def test_https_is_never_left_for_a_direct_upload(pullama, receive, put, tls, authority):
    plain = receive(form="direct")
    registry = receive(form="direct", tls=tls)
    name = put(registry, pushed := make("direct"))
    registry.fault("digest=", method="POST", headers={"X-Direct-Upload-URL": plain.cdn.url + "/direct/x"})
    pullama.push(name, "--cacert", authority / "ca.pem").ended(0)  # in another form
    registry.check_pushed("alice/m", "v1", pushed)
    assert not plain.requests()


def test_through_tls(pullama, receive, put, tls, authority):
    registry = receive(form="parts", tls=tls)
    name = put(registry, pushed := model.small(4 * MIB))
    pullama.push(name, "--cacert", authority / "ca.pem", *CHUNK).ended(0)
    registry.check_pushed("alice/m", "v1", pushed)


# ---- the rate, and a file that changes ----

def test_the_rate_is_kept_over_all_connections(pullama, receive, put):
    registry = receive(form="parts")
    name = put(registry, pushed := model.small(6 * MIB))
    result = pullama.push(name, "--limit-rate", "3MiB", "-x", "4", "--chunk-size", "1MiB").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert result.seconds >= 1.7


def test_a_blob_that_is_cut_while_it_is_sent(pullama, store, receive, put):
    registry = receive()
    name = put(registry, pushed := model.small(8 * MIB))
    blob = store / "blobs" / pushed.layers[0].digest.replace(":", "-")
    whole = blob.read_bytes()
    registry.inbox.limit(2 * MIB)
    process = pullama.start_push(name, "--chunk-size", "1MiB", "-x", "1")
    wait_for(lambda: registry.inbox.passed >= 2 * MIB, "some bytes", process=process)
    with open(blob, "r+b") as stream:
        stream.truncate(3 * MIB)
    registry.inbox.limit(None)
    result = process.result()
    assert result.status == 1 and "shorter" in result.err
    blob.write_bytes(whole)
    pullama.push(name).ended(0)
    registry.check_pushed("alice/m", "v1", pushed)


@pytest.mark.parametrize("way", ["found", "mounted"])
def test_a_blob_that_another_push_brought_while_this_one_is_hashed(pullama, receive, put, way):
    registry = receive()
    name = put(registry, pushed := model.small(96 * MIB))
    layer = pushed.layers[0]

    def arrives(request):
        registry.blobs[layer.digest] = layer.data
        registry.repositories.setdefault("alice/m", set()).add(layer.digest)
    registry.fault("/uploads/.", method="PATCH", times=1, when=lambda r: r.length > MIB, status=404, take=MIB, call=arrives)
    if way == "mounted":
        registry.fault(layer.digest, method="HEAD", skip=1, times=1, status=404)
        registry.fault("/uploads/$", method="POST", when=lambda r: layer.digest in registry.blobs, times=1, status=201)
    result = pullama.push(name, "-x", "1").ended(0)
    registry.check_pushed("alice/m", "v1", pushed)
    assert [e["Blob"]["Digest"] for e in result.named("blob_sent", "blob_exists", "blob_mounted")].count(layer.digest) == 1
