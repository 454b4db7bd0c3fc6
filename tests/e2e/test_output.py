"""What stands on the screen, in a pipe, in JSON: right for each of them."""
import re
import shutil
import subprocess
import unicodedata

import pytest
from support import model
from support.model import MIB, Layer, Model, noise
from support.program import wait_for
from support.store import install

MODES = ["table", "compact", "json", "debug"]


@pytest.fixture
def tiny(registry):
    registry.registry.rate = 8 * MIB
    return registry.add("library/m", "latest", model.small(4 * MIB))


@pytest.mark.parametrize("mode", MODES)
def test_no_escape_byte_in_a_pipe(pullama, registry, tiny, mode):
    for arguments in (["pull", registry.name("library/m")], ["list"], ["show", registry.name("library/m", scheme=False)],
                      ["verify"], ["rm", registry.name("library/m", scheme=False)], ["clean"], ["help"],
                      ["version"]):
        result = pullama.run(*arguments, "--output", mode).ended(0)
        assert b"\x1b" not in result.raw_out + result.raw_err and b"\r" not in result.raw_out, result
        assert result.raw_out == b"" or result.raw_out.endswith(b"\n")


def test_progress_in_a_pipe_comes_at_most_every_five_percent(pullama, registry, tiny):
    result = pullama.run("pull", registry.name("library/m"), "--chunk-size", "256KiB").ended(0)
    percents = [int(found) for found in re.findall(r"(\d+)%", result.out)]
    assert percents == sorted(percents) and len(percents) <= 21 and percents[-1] == 100, result
    assert all(b - a >= 4 for a, b in zip(percents, percents[1:])), percents


def test_compact_form(pullama, registry, tiny):
    result = pullama.run("pull", registry.name("library/m"), "--output", "compact").ended(0)
    lines = result.out.splitlines()
    assert re.fullmatch(r"pulling \S+m:latest", lines[0]), result
    assert re.fullmatch(r"completed 4\.2 MB \S+", lines[-1]), result
    for line in lines[1:-1]:
        assert re.fullmatch(r"\d+% \d+(\.\d)?(/| \w+/)\d+(\.\d)? [KMG]?B", line), line


@pytest.mark.parametrize("arguments", [
    ["pull"], ["list"], ["show"], ["rm"], ["clean"], ["verify"], ["version"], ["keygen"], ["cp"]], ids=str)
def test_every_command_speaks_json_and_ends(pullama, registry, tiny, arguments):
    short = registry.name("library/m", scheme=False)
    if arguments[0] != "pull":
        pullama.run("pull", registry.name("library/m")).ended(0)
    operands = {"pull": [registry.name("library/m")], "show": [short], "rm": [short], "cp": [short, "copy"]}
    result = pullama.run(*arguments, *operands.get(arguments[0], []), "--output", "json").ended(0)
    assert result.last["event"] == "completed"
    assert all(isinstance(event["event"], str) for event in result.events)
    assert [event["seq"] for event in result.events] == list(range(1, len(result.events) + 1))


@pytest.mark.parametrize("arguments, status", [
    (["pull", "--output", "json", "a b"], 64), (["show", "nothing", "--output", "json"], 4),
    (["rm", "nothing", "--output", "json"], 4)])
def test_failures_are_json_too(pullama, arguments, status):
    result = pullama.run(*arguments).ended(status)
    assert result.last["event"] == "failed" and result.last["ExitStatus"] == status
    assert result.err.strip()


def test_quiet_says_one_line_and_errors(pullama, registry, tiny):
    result = pullama.run("pull", "--quiet", registry.name("library/m")).ended(0)
    assert len(result.out.splitlines()) == 1 and result.err == ""
    failed = pullama.run("pull", "--quiet", registry.name("library/nothing")).ended(4)
    assert failed.err.strip()


def test_verbose_says_more(pullama, registry, tiny):
    plain = pullama.run("pull", registry.name("library/m")).ended(0)
    pullama.run("rm", registry.name("library/m", scheme=False)).ended(0)
    more = pullama.run("pull", "--verbose", registry.name("library/m")).ended(0)
    assert len(more.out.splitlines()) > len(plain.out.splitlines())


def test_errors_go_to_stderr_once(pullama, registry):
    result = pullama.run("pull", registry.name("library/nothing")).ended(4)
    assert "error" not in result.out
    assert result.err.count("error") == 1


def test_names_of_a_registry_are_printed_safely(pullama, registry):
    registry.fault("/manifests/", status=403, body=b'{"errors":[{"code":"X","message":"\x1b[31m\\u001b]0;own\\u0007"}]}')
    result = pullama.run("pull", registry.name("library/m")).ended(3)
    assert b"\x1b" not in result.raw_err and b"\x07" not in result.raw_err


# ---- on a terminal ----

needs_tmux = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")


class Screen:
    """A terminal of a given size in which the program runs."""

    def __init__(self, pullama, folder, columns, arguments, **environment):
        self.socket = folder / "tmux"
        self.exit_file = folder / "exit"
        exports = {**pullama.environment, "TERM": "screen-256color", **environment}
        command = " ".join(f"{k}='{v}'" for k, v in exports.items() if k not in ("PATH", "TERM") and "'" not in v
                           and k.isidentifier() and "\n" not in v)
        script = folder / "run.sh"
        # Ctrl-C reaches the shell too; with a handler it waits for the program, and goes on.
        script.write_text(f"trap : INT\n{command} '{pullama.path}' {' '.join(map(str, arguments))}\necho $? > '{self.exit_file}'\n"
                          "read hold\n")
        self.tmux("new-session", "-d", "-x", str(columns), "-y", "50", "sh", str(script), env=exports)

    def tmux(self, *arguments, env=None):
        return subprocess.run(["tmux", "-u", "-f", "/dev/null", "-S", str(self.socket), *arguments], env=env,
                              capture_output=True, check=True).stdout.decode()

    def text(self, colours=False):
        return self.tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def wait(self, *texts):
        """Until all of them stand on the screen together; what stands there instead is told."""
        seen = []
        try:
            wait_for(lambda: seen.append(self.text()) or all(text in seen[-1] for text in texts), texts)
        except AssertionError as error:
            raise AssertionError(f"{error}, and saw {len(seen)} times:\n{seen[-1]}") from error

    def status(self):
        return self.exit_file.exists() and self.exit_file.read_text().strip()

    def cursor_is_shown(self):
        return self.tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def close(self):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, check=False)


def width(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@pytest.fixture
def screen(pullama, tmp_path):
    opened = []

    def start(columns, *arguments, **environment):
        opened.append(Screen(pullama, tmp_path, columns, arguments, **environment))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def boxes_line_up(text):
    """Each box's corners stand in the same column as its sides."""
    lines = [line.rstrip() for line in text.splitlines()]
    for top in (line for line in lines if line[:1] in "╔╭┏" and line[-1:] in "╗╮┓"):
        start = lines.index(top)
        for line in lines[start + 1:]:
            if line[:1] in "╚╰┗":
                assert width(line) == width(top), text
                break
            if line[-1:] in "║┃╣":
                assert width(line) == width(top), text


@needs_tmux
@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_a_pull_on_a_terminal_fits_its_width(screen, registry, tiny, columns):
    shown = screen(columns, "pull", registry.name("library/m"), "--chunk-size", "512KiB")
    middle = []
    wait_for(lambda: middle.append(shown.text()) or shown.status(), "the end of the pull")
    assert shown.status() == "0", shown.text()
    for text in [*middle, shown.text()]:
        # A line that is too long wraps: its rest would begin the next one without a frame.
        assert all(width(line) <= columns for line in text.splitlines())
    boxes_line_up(shown.text())
    assert any("%" in text for text in middle), "no progress was seen"
    assert "library/m" in shown.text() and shown.cursor_is_shown()


@needs_tmux
@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("verb", ["list", "show", "rm", "clean", "help", "verify"])
def test_boxes_line_up_for_any_name(pullama, screen, store, columns, verb):
    strange = Model([Layer("model", model.gguf.make(name="日本語モデル 🦙")), Layer("license", "許諾 🦙 license".encode()),
                     Layer("params", noise(10))])
    install(store, "registry.ollama.ai", "library/" + "long-name" * 5, "latest", strange)
    operands = ["long-name" * 5] if verb in ("show", "rm") else []
    shown = screen(columns, verb, *operands)
    wait_for(shown.status, "the end")
    assert shown.status() == "0", shown.text()
    boxes_line_up(shown.text())


@needs_tmux
def test_no_color_means_no_colour(screen, registry, tiny):
    shown = screen(80, "pull", registry.name("library/m"), NO_COLOR="1")
    wait_for(shown.status, "the end")
    assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|38|4[0-9]|9[0-7])[0-9;]*m", shown.text(colours=True))


@needs_tmux
def test_a_failure_on_a_terminal_restores_the_cursor(screen, registry):
    shown = screen(80, "pull", registry.name("library/nothing"))
    wait_for(shown.status, "the end")
    assert shown.status() == "4" and shown.cursor_is_shown()
    assert "library/nothing" in shown.text()
    boxes_line_up(shown.text())


@needs_tmux
def test_an_interrupt_on_a_terminal_restores_the_cursor(screen, registry, tiny):
    registry.gate.limit(MIB)
    shown = screen(80, "pull", registry.name("library/m"))
    shown.wait("blobs", "%", "╰")
    shown.tmux("send-keys", "C-c")
    wait_for(shown.status, "the end")
    assert shown.status() in ("0", "130") and shown.cursor_is_shown()
    assert "resume with" in shown.text()


@needs_tmux
@pytest.mark.parametrize("environment", [{"LC_ALL": "C", "LANG": "C"}], ids=["C locale"])
def test_without_utf8_only_ascii_is_drawn(screen, registry, tiny, environment):
    shown = screen(80, "pull", registry.name("library/m"), **environment)
    wait_for(shown.status, "the end")
    assert shown.text().isascii(), shown.text()
