"""login and logout: a password is proved before it is kept, kept in private, and never shown."""
import base64
import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios

import pytest
from support import model
from support.docker import KEEPER, Helper, log_in, pair, write_config
from support.program import wait_for
from support.tokens import Realm

SECRET = "correct horse: battery"
USERS = {"ann": SECRET}


@pytest.fixture
def private(serve):
    registry = serve(realm=Realm("password", users=USERS))
    registry.add("team/m", "latest", model.small(1000))
    return registry


def login(pullama, registry, *more, user="ann", password=SECRET, **options):
    """`login` with the password in a pipe."""
    read, write = os.pipe()
    os.write(write, password.encode() + b"\n")
    os.close(write)
    result = pullama.run("login", "http://" + registry.host, "--username", user, "--password-stdin", *more, stdin=read, **options)
    os.close(read)
    assert password not in result.out + result.err and pair(user, password) not in result.out + result.err
    return result


def config(pullama):
    return json.loads((pullama.home / ".docker" / "config.json").read_text())


@pytest.mark.parametrize("kind", ["basic", "password"])
def test_what_login_keeps_a_pull_uses(pullama, serve, kind):
    registry = serve(realm=Realm(kind, users=USERS))
    registry.add("team/m", "latest", model.small(1000))
    pullama.pull(registry.name("team/m")).ended(3)
    result = login(pullama, registry).ended(0)
    assert registry.host in result.out and "ann" in result.out
    path = pullama.home / ".docker" / "config.json"
    assert path.stat().st_mode & 0o777 == 0o600 and [p.name for p in path.parent.iterdir()] == ["config.json"]
    assert config(pullama) == {"auths": {registry.host: {"auth": pair("ann", SECRET)}}}
    pullama.pull(registry.name("team/m")).ended(0)
    pullama.run("logout", registry.host).ended(0)
    assert config(pullama) == {"auths": {}}
    pullama.pull(registry.name("team/m") + "x").ended(3)


@pytest.mark.parametrize("kind", ["basic", "password"])
def test_a_wrong_password_is_not_kept(pullama, serve, kind):
    registry = serve(realm=Realm(kind, users=USERS))
    result = login(pullama, registry, password="wrong").ended(3)
    assert registry.host in result.err and "refused" in result.err
    assert not (pullama.home / ".docker" / "config.json").exists()


def test_a_registry_that_is_not_there_keeps_nothing(pullama, private):
    private.stop()
    login(pullama, private, "--max-retries", "0").ended(6)
    assert not (pullama.home / ".docker" / "config.json").exists()


def test_a_registry_without_passwords_says_so(pullama, serve):
    registry = serve(greets=False)
    result = login(pullama, registry).ended(1)
    assert "no user names" in result.err and not (pullama.home / ".docker" / "config.json").exists()


def test_a_registry_that_does_not_ask_is_told_of(pullama, serve):
    result = login(pullama, serve(), "--output", "json").ended(0)
    assert "unchecked" in result.named("warning")[0]["Message"] and result.named("login")[0]["Checked"] is False


def test_a_password_that_was_kept_back_is_not_kept(pullama, serve):
    """The realm is on http at another host, and gives a token to anyone: nobody looked at the password."""
    realm = serve()
    registry = serve(realm=Realm("anonymous", url=f"http://{realm.host}/token"))
    realm.realm = registry.realm
    host = f"registry.test:{registry.registry.port}"
    read, write = os.pipe()
    os.write(write, b"wrong\n")
    os.close(write)
    result = pullama.run("login", f"http://{host}", "-u", "ann", "--password-stdin",
                         "--resolve", f"{host}:127.0.0.1", stdin=read).ended(3)
    os.close(read)
    assert realm.host in result.err and "may not go" in result.err and "access token" not in result.err, result
    assert len(realm.requests("^/token")) == 1 and "authorization" not in realm.requests("^/token")[0].headers
    assert registry.requests()[-1].headers["authorization"].startswith("Bearer ")
    assert not (pullama.home / ".docker" / "config.json").exists()


def test_json_and_its_fields(pullama, private):
    result = login(pullama, private, "--output", "json").ended(0)
    said = result.named("login")[0]
    assert (said["Host"], said["User"], said["Checked"]) == (private.host, "ann", True)
    assert said["Place"] == str(pullama.home / ".docker" / "config.json")
    assert result.last["event"] == "completed"
    removed = [pullama.run("logout", "--output", "json", private.host).ended(0).named("logout")[0]["Removed"] for _ in range(2)]
    assert removed == [True, False]


def test_everything_else_in_the_file_stays(pullama, private):
    before = {"HttpHeaders": {"X": "é\u202e"}, "auths": {"other.example": {"auth": "eDp5"}, private.host: {
        "email": "a@b", "auth": "b2xkOm9sZA==", "identitytoken": "old"}}, "psFormat": "table {{.ID}}\t\"", "n": [1, 2.5, 1e30, None, True],
        "credHelpers": {"gcr.io": "gcloud"}, "z": 1, "a": {"b": {}}}
    path = write_config(pullama.home, json.dumps(before))
    path.chmod(0o644)
    login(pullama, private).ended(0)
    after = config(pullama)
    before["auths"][private.host] = {"email": "a@b", "auth": pair("ann", SECRET)}
    assert after == before and list(after) == list(before)
    assert path.stat().st_mode & 0o777 == 0o600
    pullama.run("logout", private.host).ended(0)
    del before["auths"][private.host]
    assert config(pullama) == before


@pytest.mark.parametrize("text", ["{", "[]", "not json", '{"a":1,"a":2}', "\0", '{"auths":7}', '{"auths":{"x":1}} x'])
def test_a_broken_file_is_refused_and_left_alone(pullama, private, text):
    path = write_config(pullama.home, text)
    result = login(pullama, private).ended(1)
    assert str(path) in result.err and path.read_text() == text
    assert [p.name for p in path.parent.iterdir()] == ["config.json"]


def test_a_link_is_followed(pullama, private, tmp_path):
    real = tmp_path / "real.json"
    real.write_text('{"a":1}')
    (pullama.home / ".docker").mkdir()
    (pullama.home / ".docker" / "config.json").symlink_to(real)
    login(pullama, private).ended(0)
    assert (pullama.home / ".docker" / "config.json").is_symlink()
    assert list(json.loads(real.read_text())) == ["a", "auths"]


def test_a_link_to_nothing_is_refused(pullama, private, tmp_path):
    (pullama.home / ".docker").mkdir()
    (pullama.home / ".docker" / "config.json").symlink_to(tmp_path / "nothing.json")
    assert "link" in login(pullama, private).ended(1).err
    assert not (tmp_path / "nothing.json").exists()


def test_debris_of_a_killed_login_is_no_obstacle(pullama, private):
    folder = pullama.home / ".docker"
    folder.mkdir()
    (folder / ".config.json.pullama-new").write_text("half")
    (folder / ".config.json.pullama-lock").write_text("")
    login(pullama, private).ended(0)
    assert [p.name for p in folder.iterdir()] == ["config.json"]


def test_logout_makes_no_file(pullama):
    pullama.run("logout", "registry.example.org").ended(0)
    assert list(pullama.home.iterdir()) == []


@pytest.mark.parametrize("how", ["credHelpers", "credsStore"])
def test_a_helper_program_keeps_it(pullama, private, tmp_path, how):
    helper = Helper(tmp_path)
    write_config(pullama.home, **{how: {private.host: "test"} if how == "credHelpers" else "test"})
    found = {"environment": {"PATH": helper.path(pullama.environment)}}
    result = login(pullama, private, **found).ended(0)
    assert "docker-credential-test" in result.out
    assert helper.kept() == [{"ServerURL": private.host, "Username": "ann", "Secret": SECRET}]
    assert helper.calls == ["store"] and config(pullama)["auths"] == {private.host: {}}
    pullama.pull(private.name("team/m"), **found).ended(0)
    pullama.run("logout", private.host, **found).ended(0)
    assert helper.kept() == [] and config(pullama)["auths"] == {}
    assert helper.calls == ["store", "get", "erase"]


def test_a_helper_that_fails_keeps_nothing(pullama, private, tmp_path):
    helper = Helper(tmp_path, script="echo the safe is locked; exit 1")
    path = write_config(pullama.home, credsStore="test")
    before = path.read_text()
    result = login(pullama, private, environment={"PATH": helper.path(pullama.environment)}).ended(1)
    assert "the safe is locked" in result.err and path.read_text() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTSTP], ids=["ended", "suspended"])
def test_a_signal_while_a_helper_stores(pullama, private, tmp_path, number):
    helper = Helper(tmp_path, script="while [ ! -e {folder}/go ]; do sleep 0.01; done\n" + KEEPER)
    path = write_config(pullama.home, credsStore="test")
    before = path.read_text()
    read, write = os.pipe()
    os.write(write, SECRET.encode() + b"\n")
    os.close(write)
    process = pullama.start("login", "http://" + private.host, "-u", "ann", "--password-stdin", "--output", "json",
                            stdin=read, environment={"PATH": helper.path(pullama.environment)})
    os.close(read)
    wait_for(lambda: (helper.folder / "inputs").exists(), "the helper", process=process)
    process.signal(number)
    if number == signal.SIGINT:
        result = process.result(5).ended(0)
        assert result.named("interrupted") and path.read_text() == before and helper.kept() == []
        return
    wait_for(lambda: not process.has_pending(signal.SIGTSTP), "the signal")  # SIGCONT would take it away
    process.signal(signal.SIGCONT)
    (helper.folder / "go").touch()
    assert process.result().ended(0).named("login") and len(helper.kept()) == 1


@pytest.mark.parametrize("arguments, part", [
    (["login"], "operand"), (["login", "h"], "--username"), (["login", "h", "-u", "a"], "--password-stdin"),
    (["login", "h/x", "-u", "a", "--password-stdin"], "address"), (["login", "ftp://h", "-u", "a", "--password-stdin"], "scheme"),
    (["login", "h", "--password-stdin"], "--username"), (["login", "h", "-u", "a", "--password-stdin"], "empty"),
    (["logout"], "operand"), (["logout", "h", "x"], "too much"), (["logout", "--dry-run", "h"], "flag"), (["login", "h", "--password", "p"], "flag")],
    ids=str)
def test_wrong_usage(pullama, arguments, part):
    assert part in pullama.run(*arguments).ended(64).err


@pytest.mark.parametrize("user, password", [("a:b", "x"), ("a", "x\ny"), ("a\tb", "x"), ("a", "x" * 9000), ("a", "\x7f")])
def test_what_is_no_user_or_password(pullama, private, user, password):
    login(pullama, private, user=user, password=password).ended(64)
    assert private.requests() == []


# ---- at a terminal ----

# What a shell with job control does: a process group of its own, in the foreground. argv[1] gets the process id.
SHELL = """
import os, signal, subprocess, sys
def own():
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
program = subprocess.Popen(sys.argv[2:], preexec_fn=own)
with open(sys.argv[1], "w") as file:
    file.write(str(program.pid))
sys.exit(program.wait())
"""


class Terminal:
    """The program with a terminal of its own."""

    def __init__(self, pullama, *arguments, shell=()):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave

        def own():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen([*shell, pullama.path, *arguments], stdin=slave, stdout=slave, stderr=slave, env=pullama.environment,
                                        start_new_session=True, preexec_fn=own)
        os.set_blocking(self.master, False)
        self.said = b""

    def read(self):
        try:
            while piece := os.read(self.master, 65536):
                self.said += piece
        except (BlockingIOError, OSError):
            pass
        return self.said

    def expect(self, text):
        wait_for(lambda: text in self.read(), f"{text!r} in {self.said!r}")

    def is_echoing(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.master, text)

    def end(self):
        wait_for(lambda: self.process.poll() is not None, "the end")
        self.read()
        after = termios.tcgetattr(self.slave)
        os.close(self.slave)
        os.close(self.master)
        assert after == self.before
        return self.process.returncode


def test_a_person_is_asked_and_sees_no_password(pullama, private):
    terminal = Terminal(pullama, "login", "http://" + private.host)
    terminal.expect(b"user name for")
    assert terminal.is_echoing()
    terminal.type(b"ann\n")
    terminal.expect(b"password for")
    wait_for(lambda: not terminal.is_echoing(), "no echo")
    terminal.type(SECRET.encode() + b"\n")
    assert terminal.end() == 0
    assert SECRET.encode() not in terminal.said and b"logged in" in terminal.said, terminal.said
    assert config(pullama)["auths"][private.host]["auth"] == base64.b64encode(f"ann:{SECRET}".encode()).decode()


@pytest.mark.parametrize("how", ["ctrl-c", "SIGTERM", "SIGHUP"])
def test_the_terminal_is_put_in_order_however_it_ends(pullama, private, how):
    terminal = Terminal(pullama, "login", "http://" + private.host, "-u", "ann")
    terminal.expect(b"password for")
    wait_for(lambda: not terminal.is_echoing(), "no echo")
    terminal.type(b"half a pass")
    if how == "ctrl-c":
        terminal.type(b"\x03")
    else:
        terminal.process.send_signal(getattr(signal, how))
    assert terminal.end() == 0
    assert b"half" not in terminal.said and b"interrupted" in terminal.said
    assert private.requests() == []


def test_suspended_and_resumed_the_password_stays_hidden(pullama, private, tmp_path):
    terminal = Terminal(pullama, "login", "http://" + private.host, "-u", "ann",
                        shell=[sys.executable, "-c", SHELL, str(tmp_path / "pid")])
    terminal.expect(b"password for")
    wait_for(lambda: not terminal.is_echoing(), "no echo")
    program = int((tmp_path / "pid").read_text())
    os.kill(program, signal.SIGTSTP)
    wait_for(terminal.is_echoing, "echo while it is stopped")
    os.kill(program, signal.SIGCONT)
    wait_for(lambda: not terminal.is_echoing(), "no echo")
    terminal.type(SECRET.encode() + b"\n")
    assert terminal.end() == 0 and SECRET.encode() not in terminal.said


def test_an_empty_answer_is_told(pullama, private):
    terminal = Terminal(pullama, "login", "http://" + private.host, "-u", "ann")
    terminal.expect(b"password for")
    wait_for(lambda: not terminal.is_echoing(), "no echo")
    terminal.type(b"\x04")
    assert terminal.end() == 64


# ---- confined ----

@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_no_secret_is_in_any_argument_of_any_program(pullama, private, tmp_path):
    helper = Helper(tmp_path)
    write_config(pullama.home, credsStore="test")
    trace = tmp_path / "trace"
    login(pullama, private, wrapper=["strace", "-f", "-s", "400", "-e", "trace=execve", "-o", str(trace)],
          environment={"PATH": helper.path(pullama.environment), "ASAN_OPTIONS": "detect_leaks=0"}).ended(0)
    text = trace.read_text()
    assert "docker-credential-test" in text and "battery" not in text and pair("ann", SECRET) not in text


def test_a_password_of_the_docker_client_is_forgotten_too(pullama, private):
    log_in(pullama.home, f"https://{private.host}/v1/", "ann", SECRET)
    pullama.run("logout", private.host).ended(0)
    assert config(pullama) == {"auths": {}}
