"""Passwords and tokens of registries: found where the docker client keeps them, shown to whom they are for alone."""
import json
import os
import signal

import pytest
from support import model
from support.docker import KEEPER, Helper, log_in, pair, write_config
from support.model import MIB
from support.program import wait_for
from support.registry import Redirects
from support.store import check_model
from support.tokens import Realm

SECRET = "hunter2-never-printed"
USERS = {"ann": SECRET}


def add(registry, size=1000, repository="team/m"):
    return registry.add(repository, "latest", model.small(size))


def check_silent(result, registry=None):
    """No form of the password, and no token that was sent, is in what was printed."""
    said = result.out + result.err
    secrets = [SECRET, pair("ann", SECRET)]
    if registry:
        secrets += [r.headers["authorization"].partition(" ")[2] for r in registry.requests() if "authorization" in r.headers]
    assert not [s for s in secrets if s and s in said], result


@pytest.mark.parametrize("kind", ["basic", "password"])
def test_a_password_of_the_docker_client(pullama, store, serve, kind):
    registry = serve(mode="redirect", realm=Realm(kind, users=USERS))
    tiny = add(registry, 2 * MIB)
    log_in(pullama.home, registry.host, "ann", SECRET)
    result = pullama.pull(registry.name("team/m"), "--chunk-size", "1MiB").ended(0)
    check_model(store, registry, "team/m", "latest", tiny)
    check_silent(result, registry)
    assert not [r for r in registry.requests(server="cdn") if "authorization" in r.headers]


@pytest.mark.parametrize("form", ["http://{}", "https://{}", "https://{}/v1/", "https://{}/v2/", "{}"])
def test_keys_as_the_docker_client_writes_them(pullama, serve, form):
    registry = serve(realm=Realm("basic", users=USERS))
    add(registry)
    log_in(pullama.home, form.format(registry.host), "ann", SECRET)
    pullama.pull(registry.name("team/m")).ended(0)


@pytest.mark.parametrize("form", ["127.0.0.1", "https://{}/team", "127.0.0.1:1", "x{}", "https://{}.example.org"])
def test_keys_of_other_registries(pullama, serve, form):
    registry = serve(realm=Realm("basic", users=USERS))
    add(registry)
    log_in(pullama.home, form.format(registry.host), "ann", SECRET)
    result = pullama.pull(registry.name("team/m")).ended(3)
    assert f"pullama login http://{registry.host}`" in result.err
    assert not [r for r in registry.requests() if "authorization" in r.headers]


def test_a_folder_named_by_the_environment(pullama, serve, tmp_path):
    registry = serve(realm=Realm("basic", users=USERS))
    add(registry)
    path = log_in(pullama.home, registry.host, "ann", SECRET)
    (tmp_path / "elsewhere").mkdir()
    path.rename(tmp_path / "elsewhere" / "config.json")
    pullama.pull(registry.name("team/m")).ended(3)
    pullama.pull(registry.name("team/m"), environment={"DOCKER_CONFIG": str(tmp_path / "elsewhere")}).ended(0)


@pytest.mark.parametrize("kind", ["basic", "password"])
def test_a_wrong_password_is_told_with_its_place(pullama, serve, kind):
    registry = serve(realm=Realm(kind, users={"ann": "another"}))
    add(registry)
    path = log_in(pullama.home, registry.host, "ann", SECRET)
    result = pullama.pull(registry.name("team/m")).ended(3)
    assert registry.host in result.err and str(path) in result.err and "refused" in result.err
    check_silent(result, registry)
    assert len(registry.requests()) < 8


def test_no_password_is_told_with_what_to_do(pullama, serve):
    registry = serve(realm=Realm("basic", users=USERS))
    add(registry)
    result = pullama.pull(registry.name("team/m")).ended(3)
    assert f"pullama login http://{registry.host}`" in result.err


@pytest.mark.parametrize("text, part", [
    ("{", "JSON"), ("[]", "object"), ('{"auths":' + "[" * 100 + "]" * 100 + "}", "JSON"), (" " * (1 << 20) + "{}", "larger"),
    ('{"auths":{"HOST":{"auth":"%%%"}}}', "base64"), ('{"auths":{"HOST":{"auth":"YW5u"}}}', "user name and password"),
    ('{"auths":{"HOST":{"auth":"YTpiCmM="}}}', "control"), ('{"credHelpers":{"HOST":"../../bin/sh"}}', "plain word"),
    ('{"credHelpers":{"HOST":"none-of-that-name"}}', "docker-credential-none-of-that-name")], ids=range(9))
def test_a_broken_configuration_fails_no_public_pull(pullama, store, serve, text, part):
    registry = serve(realm=Realm("anonymous"))
    tiny = add(registry)
    path = write_config(pullama.home, text.replace("HOST", registry.host))
    result = pullama.pull(registry.name("team/m")).ended(0)
    check_model(store, registry, "team/m", "latest", tiny)
    warning = [e["Message"] for e in result.named("warning")]
    assert len(warning) == 1 and part in warning[0], result
    assert str(path) in warning[0] or "none-of-that-name" in warning[0]
    # A registry that wants some is told of with the reason why there are none.
    registry.realm = Realm("basic", users=USERS)
    refused = pullama.pull(registry.name("team/m") + "x").ended(3)
    assert part in refused.last["Message"], refused


@pytest.mark.parametrize("text", ["", "{}", '{"auths":{}}', '{"auths":null,"credsStore":""}', '{"auths":{"HOST":{}}}', '{"auths":7}'])
def test_configurations_that_say_nothing(pullama, serve, text):
    registry = serve(realm=Realm("anonymous"))
    add(registry)
    if text:
        write_config(pullama.home, text.replace("HOST", registry.host))
    result = pullama.pull(registry.name("team/m")).ended(0)
    assert result.named("warning") == []


def test_an_unreadable_configuration_is_named(pullama, serve):
    registry = serve(realm=Realm("anonymous"))
    add(registry)
    path = pullama.home / ".docker" / "config.json"
    path.mkdir(parents=True)
    result = pullama.pull(registry.name("team/m")).ended(0)
    assert str(path) in result.named("warning")[0]["Message"]


def add_to(registry, *repositories):
    for repository in repositories:
        registry.add(repository, "latest", model.small(100_000))


@pytest.mark.parametrize("member", ["access_token", "token"])
def test_an_identity_token_is_traded_in(pullama, receive, member):
    registry = receive(realm=Realm("identity", users={"ann": SECRET}, member=member))
    add_to(registry, "team/m")
    write_config(pullama.home, auths={registry.host: {"auth": pair("ann", ""), "identitytoken": SECRET}})
    result = pullama.pull(registry.name("team/m")).ended(0)
    assert registry.realm.issued == 1 and not registry.realm.refusals
    assert SECRET not in result.out + result.err and not [r for r in registry.requests() if SECRET in str(r.headers) + r.target]


def test_an_identity_token_of_a_helper(pullama, receive, tmp_path):
    registry = receive(realm=Realm("identity", users={"ann": SECRET}))
    add_to(registry, "team/m")
    helper = Helper(tmp_path, script=f"""echo '{{{{"Username":"<token>","Secret":"{SECRET}"}}}}'""")
    write_config(pullama.home, credHelpers={registry.host: "test"})
    pullama.pull(registry.name("team/m"), environment={"PATH": helper.path(pullama.environment)}).ended(0)
    assert registry.realm.issued == 1


def test_an_identity_token_that_is_good_for_one_use(pullama, receive):
    """The next one comes with the answer, and lasts for all models of the run."""
    registry = receive(realm=Realm("identity", users={"ann": SECRET}, rotates=True, uses=2))
    add_to(registry, "team/a", "team/b")
    write_config(pullama.home, auths={registry.host: {"identitytoken": SECRET}})
    result = pullama.run("pull", registry.name("team/a"), registry.name("team/b"), "--output", "json").ended(0)
    assert registry.realm.issued >= 3 and not registry.realm.refusals
    assert registry.realm.users["ann"] not in result.out + result.err


def test_an_identity_token_that_is_refused(pullama, receive):
    registry = receive(realm=Realm("identity", users={"ann": "another"}))
    add_to(registry, "team/m")
    path = write_config(pullama.home, auths={registry.host: {"identitytoken": SECRET}})
    result = pullama.pull(registry.name("team/m")).ended(3)
    assert f"refused the credentials from {path}" in result.err and SECRET not in result.out + result.err


def test_an_identity_token_does_not_follow_redirects(pullama, receive):
    registry, away = receive(realm=Realm("identity", users={"ann": SECRET})), receive()
    add_to(registry, "team/m")
    registry.fault("^/token", status=307, headers={"Location": away.registry.url + "/token"})
    write_config(pullama.home, auths={registry.host: {"identitytoken": SECRET}})
    assert "not sent on" in pullama.pull(registry.name("team/m")).ended(1).err
    assert not away.requests()


def test_an_identity_token_goes_over_tls_or_to_the_same_host(pullama, receive):
    realm = Realm("identity", users={"ann": SECRET}, url="http://realm.example/token")
    registry = receive(realm=realm)
    add_to(registry, "team/m")
    write_config(pullama.home, auths={registry.host: {"identitytoken": SECRET}})
    result = pullama.pull(registry.name("team/m"), "--resolve", f"realm.example:80:127.0.0.1", "--max-retries", "0")
    assert result.status in (3, 6) and SECRET not in result.out + result.err


def test_a_registry_token_is_sent_as_it_is(pullama, serve):
    registry = serve(realm=Realm("static", users=USERS))
    add(registry)
    write_config(pullama.home, auths={registry.host: {"registrytoken": SECRET}})
    check_silent(pullama.pull(registry.name("team/m")).ended(0))


def test_a_public_model_sees_no_password(pullama, serve):
    registry = serve()
    add(registry)
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m")).ended(0)
    assert not [r for r in registry.requests() if "authorization" in r.headers]


# ---- where a password goes ----

def test_a_realm_elsewhere_gets_it_and_nobody_else(pullama, store, serve):
    realm = serve(realm=Realm("password", users=USERS))
    registry = serve(mode="redirect", realm=realm.realm)
    realm.realm.url = realm.registry.url + "/token"
    tiny = add(registry, MIB)
    log_in(pullama.home, registry.host, "ann", SECRET)
    result = pullama.pull(registry.name("team/m")).ended(0)
    check_model(store, registry, "team/m", "latest", tiny)
    asked = realm.requests("/token")
    assert asked and all(r.headers["authorization"] == "Basic " + pair("ann", SECRET) for r in asked)
    assert not [r for r in registry.requests() if r.headers.get("authorization", "").startswith("Basic")]
    check_silent(result, registry)


def test_a_realm_that_redirects_keeps_it_to_itself(pullama, serve):
    thief = serve(realm=Realm("anonymous"))
    registry = serve(realm=Realm("password", users=USERS))
    add(registry)
    registry.fault("^/token", status=307, headers={"Location": thief.registry.url + "/token"})
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m"))
    assert thief.requests("/token") and not [r for r in thief.requests() if "authorization" in r.headers]


@pytest.mark.parametrize("kind", ["basic", "password"])
def test_redirected_manifests_and_blobs_take_it_nowhere(pullama, serve, kind):
    thief = serve()
    registry = serve(realm=Realm(kind, users=USERS))
    tiny = add(registry)
    thief.add("team/m", "latest", tiny)
    registry.redirects = Redirects(target=lambda digest: f"{thief.registry.url}/v2/team/m/blobs/{digest}")
    registry.mode = "redirect"
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m")).ended(0)
    assert thief.requests() and not [r for r in thief.requests() if "authorization" in r.headers]


def test_one_of_two_registries_gets_its_own_only(pullama, serve):
    one, two = (serve(realm=Realm("basic", users=USERS)) for _ in range(2))
    add(one)
    add(two)
    log_in(pullama.home, one.host, "ann", SECRET)
    pullama.run("pull", one.name("team/m"), two.name("team/m")).ended(3)
    assert [r for r in one.requests() if "authorization" in r.headers]
    assert not [r for r in two.requests() if "authorization" in r.headers]


def test_over_tls_to_a_realm_in_plain_text_it_does_not_go(pullama, serve, tls, authority):
    plain = serve(realm=Realm("password", users=USERS))
    registry = serve(tls=tls, realm=Realm("password", url=plain.registry.url + "/token", users=USERS))
    add(registry)
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m"), "--cacert", authority / "ca.pem").ended(1)
    assert plain.requests() == []


def test_a_password_comes_before_the_key(pullama, serve):
    registry = serve(realm=Realm("password", users=USERS))
    add(registry)
    pullama.run("keygen").ended(0)
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m")).ended(0)
    assert all(r.headers["authorization"].startswith("Basic ") for r in registry.requests("^/token"))


# ---- tokens end ----

def test_a_token_is_renewed_before_it_ends(pullama, store, serve):
    registry = serve(realm=Realm("password", users=USERS, seconds=1))
    tiny = add(registry, 4 * MIB)
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m"), "--chunk-size", "256KiB", "-x", "1", "--limit-rate", "2MiB").ended(0)
    check_model(store, registry, "team/m", "latest", tiny)
    assert registry.realm.issued >= 2


def test_each_repository_has_a_token_of_its_own(pullama, serve):
    registry = serve(realm=Realm("password", users=USERS))
    add(registry)
    add(registry, repository="team/other")
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.run("pull", registry.name("team/m"), registry.name("team/other")).ended(0)
    scopes = [r.query["scope"][0] for r in registry.requests("^/token")]
    assert sorted(scopes) == ["repository:team/m:pull", "repository:team/other:pull"]


@pytest.mark.parametrize("header", [
    'Basic realm=models', 'basic', 'Negotiate, Basic realm="a, b", charset="UTF-8"', 'Digest nonce="x", Basic realm="y"',
    'NTLM abc=, Basic charset=UTF-8 , realm=q'])
def test_forms_of_the_challenge(pullama, serve, header):
    registry = serve(realm=Realm("basic", users=USERS))
    add(registry)
    registry.fault("/v2/", status=401, headers={"WWW-Authenticate": header}, times=1)
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m")).ended(0)


def test_parameters_in_any_order_and_unquoted(pullama, serve):
    registry = serve(realm=Realm("password", users=USERS))
    add(registry)
    registry.fault("/v2/", status=401, times=1, headers={
        "WWW-Authenticate": f'Basic realm="x", bearer scope="repository:team/m:pull", SERVICE=s , realm={registry.registry.url}/token'})
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m")).ended(0)
    assert registry.requests("^/token")[0].query["scope"] == ["repository:team/m:pull"]


# ---- helper programs ----

@pytest.mark.parametrize("how", ["credHelpers", "credsStore"])
def test_a_helper_program_is_asked(pullama, store, serve, tmp_path, how):
    registry = serve(realm=Realm("basic", users=USERS))
    tiny = add(registry)
    helper = Helper(tmp_path)
    helper.keep(registry.host, "ann", SECRET)
    write_config(pullama.home, **{how: {registry.host: "test"} if how == "credHelpers" else "test"})
    result = pullama.pull(registry.name("team/m"), environment={"PATH": helper.path(pullama.environment)}).ended(0)
    check_model(store, registry, "team/m", "latest", tiny)
    assert helper.calls == ["get"] and result.named("warning") == []
    check_silent(result, registry)


def test_a_helper_is_asked_once_for_several_models(pullama, serve, tmp_path):
    registry = serve(realm=Realm("basic", users=USERS))
    for name in ("team/m", "team/n"):
        add(registry, repository=name)
    helper = Helper(tmp_path)
    helper.keep(registry.host, "ann", SECRET)
    write_config(pullama.home, credsStore="test")
    pullama.run("pull", registry.name("team/m"), registry.name("team/n"),
                environment={"PATH": helper.path(pullama.environment)}).ended(0)
    assert helper.calls == ["get"]


def test_a_helper_that_keeps_nothing_leaves_the_file(pullama, serve, tmp_path):
    registry = serve(realm=Realm("basic", users=USERS))
    add(registry)
    helper = Helper(tmp_path)
    write_config(pullama.home, credsStore="test", auths={registry.host: {"auth": pair("ann", SECRET)}})
    pullama.pull(registry.name("team/m"), environment={"PATH": helper.path(pullama.environment)}).ended(0)


def test_a_missing_helper_for_all_is_no_word_worth_until_it_is_needed(pullama, serve):
    registry = serve(realm=Realm("anonymous"))
    add(registry)
    write_config(pullama.home, credsStore="none-of-that-name")
    assert pullama.pull(registry.name("team/m")).ended(0).named("warning") == []
    registry.realm = Realm("basic", users=USERS)
    result = pullama.pull(registry.name("team/m") + "x").ended(3)
    assert "docker-credential-none-of-that-name" in result.last["Message"]


@pytest.mark.parametrize("script, part", [
    ("exit 7", "status 7"), ("echo locked up; exit 1", "locked up"), ("kill -9 $$", "status 137"), ("echo not json", "JSON"),
    ("echo '{{}}'", "lacks"), ("""echo '{{"Username":"<token>","Secret":"x y"}}'""", "no token"),
    ("""printf '{{"Username":"a\\\\u0000b","Secret":"x"}}'""", "JSON"),
    ("head -c 200000 /dev/zero", "65536"), ("printf '\\033[31mred'; exit 1", "x1b")], ids=range(9))
def test_helpers_that_fail(pullama, serve, tmp_path, script, part):
    registry = serve(realm=Realm("anonymous"))
    add(registry)
    helper = Helper(tmp_path, script=script)
    write_config(pullama.home, credHelpers={registry.host: "test"})
    result = pullama.pull(registry.name("team/m"), environment={"PATH": helper.path(pullama.environment)}).ended(0)
    assert part in result.named("warning")[0]["Message"], result
    assert "\x1b" not in result.err


def test_a_helper_that_never_answers_ends_with_us(pullama, registry, tmp_path):
    add(registry)
    helper = Helper(tmp_path, script="exec sleep 1000")
    write_config(pullama.home, credHelpers={registry.host: "test"})
    process = pullama.start_pull(registry.name("team/m"), environment={"PATH": helper.path(pullama.environment)})
    wait_for(lambda: (helper.folder / "inputs").exists(), "the helper", process=process)
    process.popen.terminate()
    result = process.result(5).ended(0)
    assert result.named("interrupted") and len(registry.requests()) <= 1


@pytest.mark.parametrize("script", ["exec >/dev/null; exec sleep 1000", "while :; do echo; sleep 0.2; done"], ids=["closed", "talking"])
@pytest.mark.parametrize("verb", ["pull", "verify"])
def test_one_signal_is_enough_whatever_helpers_do(pullama, serve, tmp_path, script, verb):
    registries = [serve() for _ in range(3)]
    for registry in registries:
        add(registry)
    names = [registry.name("team/m") for registry in registries]
    pullama.run("pull", *names).ended(0)
    helper = Helper(tmp_path, script=script)
    write_config(pullama.home, credsStore="test")
    process = pullama.start(*(["pull", *names] if verb == "pull" else ["verify", "--repair"]), "--output", "json",
                            environment={"PATH": helper.path(pullama.environment)})
    wait_for(lambda: (helper.folder / "inputs").exists(), "the helper", process=process)
    process.popen.terminate()
    result = process.result(5).ended(0)
    assert len(helper.calls) == 1 and result.named("interrupted")


def test_a_helper_that_is_suspended_with_us_goes_on(pullama, serve, tmp_path):
    registry = serve(realm=Realm("basic", users=USERS))
    add(registry)
    helper = Helper(tmp_path, script="while [ ! -e {folder}/go ]; do sleep 0.01; done\n" + KEEPER)
    helper.keep(registry.host, "ann", SECRET)
    write_config(pullama.home, credsStore="test")
    process = pullama.start_pull(registry.name("team/m"), environment={"PATH": helper.path(pullama.environment)})
    wait_for(lambda: (helper.folder / "inputs").exists(), "the helper", process=process)
    process.signal(signal.SIGTSTP)
    wait_for(lambda: not process.has_pending(signal.SIGTSTP), "the signal")  # SIGCONT would take it away
    process.signal(signal.SIGCONT)
    (helper.folder / "go").touch()
    result = process.result().ended(0)
    assert result.last["event"] == "completed" and helper.calls == ["get"]


def test_a_helper_gets_no_secret_in_its_arguments_and_no_descriptor(pullama, serve, tmp_path):
    registry = serve(realm=Realm("basic", users=USERS))
    add(registry)
    helper = Helper(tmp_path, script="ls /proc/$$/fd >{folder}/fds; ls -l /proc/$$/fd/2 >>{folder}/fds; exit 1")
    write_config(pullama.home, credHelpers={registry.host: "test"})
    pullama.pull(registry.name("team/m"), environment={"PATH": helper.path(pullama.environment)}).ended(3)
    assert "/dev/null" in (helper.folder / "fds").read_text()
    assert (helper.folder / "inputs").read_text().strip() == registry.host


# ---- nothing is printed, and nothing is in the arguments ----

@pytest.mark.parametrize("output", ["table", "json", "debug", "compact"])
@pytest.mark.parametrize("right", [True, False])
def test_no_password_is_printed(pullama, serve, output, right):
    registry = serve(mode="redirect", realm=Realm("password", users=USERS if right else {"ann": "other"}))
    add(registry, 2 * MIB)
    registry.fault("^/token", status=503, times=1)
    registry.fault("/objects/", status=403, times=1)
    log_in(pullama.home, registry.host, "ann", SECRET)
    result = pullama.run("pull", "--verbose", "--output", output, registry.name("team/m")).ended(0 if right else 3)
    check_silent(result, registry)


def test_no_password_is_in_the_store_or_the_arguments(pullama, serve, store):
    registry = serve(realm=Realm("password", users=USERS))
    add(registry, 4 * MIB)
    log_in(pullama.home, registry.host, "ann", SECRET)
    process = pullama.start_pull(registry.name("team/m"), "--limit-rate", "2MiB")
    process.wait_event("progress")
    seen = open(f"/proc/{process.pid}/cmdline", "rb").read() + open(f"/proc/{process.pid}/environ", "rb").read()
    assert SECRET.encode() not in seen and pair("ann", SECRET).encode() not in seen
    process.kill()
    for folder, _, files in os.walk(store):
        for name in files:
            content = open(os.path.join(folder, name), "rb").read()
            assert SECRET.encode() not in content and json.dumps(SECRET).encode() not in content


def test_a_mirror_that_asks_gets_no_password_of_the_registry(pullama, serve):
    """The reverse way of the same mistake: the registry's own password is what a mirror would like to have."""
    registry, mirror = serve(realm=Realm("basic", users=USERS)), serve(realm=Realm("basic", users=USERS))
    mirror.blobs.update(add(registry, MIB).blobs)
    log_in(pullama.home, registry.host, "ann", SECRET)
    pullama.pull(registry.name("team/m"), "--mirror", mirror.registry.url).ended(0)
    assert mirror.requests() and all("authorization" not in request.headers for request in mirror.requests())


def test_push_uses_the_password_of_where_it_pushes_to(pullama, store, serve):
    source, target = serve(), serve(realm=Realm("basic", users=USERS))
    add(source)
    pullama.pull(source.name("team/m")).ended(0)
    log_in(pullama.home, target.host, "ann", SECRET)
    pullama.run("push", source.name("team/m"), "--as", target.name("team/m"), "--max-retries", "0")
    assert [r for r in target.requests() if r.headers.get("authorization") == "Basic " + pair("ann", SECRET)]
    assert not [r for r in source.requests() if "authorization" in r.headers]
