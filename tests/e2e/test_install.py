"""What `meson install` puts into a system works there: man page, completion, headers and library."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import model
from support.store import install

BUILD = Path(os.environ.get("PULLAMA", "build/pullama")).resolve().parent
PROGRAM = r"""
#include <pullama/engine.h>
#include <stdio.h>
static void emit(void *ctx, const struct plm_event *event)
{
    char *text = NULL;
    (void)ctx;
    if (plm_event_to_json(event, &text, NULL))
        puts(text);
}
int main(int argc, char **argv)
{
    struct plm_engine_options options = {.models_dir = argv[argc - 1], .max_retries = -1};
    struct plm_job_spec spec = {.verb = PLM_VERB_LIST};
    struct plm_engine *engine = NULL;
    struct plm_error err = {0};
    uint32_t id;
    if (!plm_engine_new(&options, (struct plm_sink){.emit = emit}, &engine, &err) ||
        !plm_engine_submit(engine, &spec, &id, &err))
        return 1;
    while (plm_engine_step(engine, 1000))
        ;
    plm_engine_free(engine);
    return 0;
}
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The root of a system into which it was installed, and the prefix in it."""
    if not (BUILD / "meson-info").is_dir() or not shutil.which("meson"):
        pytest.skip("no build directory of meson")
    root = tmp_path_factory.mktemp("system")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)
    found = next(root.rglob("pullama.pc"))
    prefix = next(line for line in found.read_text().splitlines() if line.startswith("prefix=")).partition("=")[2]
    return root, root / prefix.lstrip("/"), found.parent


def test_everything_has_its_place(system):
    _, prefix, _ = system
    for place in ("bin/pullama", "share/man/man1/pullama.1", "share/bash-completion/completions/pullama",
                  "share/zsh/site-functions/_pullama", "share/fish/vendor_completions.d/pullama.fish",
                  "include/pullama/engine.h"):
        assert (prefix / place).is_file(), place
    assert not (prefix / "bin/pullama-reference").exists()


def test_a_program_is_built_against_it_and_runs(pullama, store, system, tmp_path):
    root, _, pkgconfig = system
    if pullama.is_sanitized or not shutil.which("pkg-config") or not shutil.which("cc"):
        pytest.skip("needs a compiler, pkg-config and a library without sanitizers")
    install(store, "registry.ollama.ai", "library/m", "latest", model.small(1000))
    (tmp_path / "program.c").write_text(PROGRAM)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "pullama"], check=True, text=True, capture_output=True,
                           env={**os.environ, "PKG_CONFIG_PATH": str(pkgconfig), "PKG_CONFIG_SYSROOT_DIR": str(root)})
    subprocess.run(["cc", "-std=gnu17", "-Wall", "-Werror", "program.c", "-o", "program",
                    *flags.stdout.replace(f"{root}{root}", str(root)).split()], cwd=tmp_path, check=True)
    listed = subprocess.run([tmp_path / "program", store], check=True, text=True, capture_output=True).stdout
    assert '"event":"list_model"' in listed and '"Name":"m:latest"' in listed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_its_completion(system, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    _, prefix, _ = system
    place = {"bash": "bash-completion/completions/pullama", "zsh": "zsh/site-functions/_pullama",
             "fish": "fish/vendor_completions.d/pullama.fish"}[shell]
    subprocess.run([shell, "-n", prefix / "share" / place], check=True)


def completed(pullama, prefix, line):
    """What bash offers for the line, the cursor at its end."""
    script = (f"source {prefix}/share/bash-completion/completions/pullama; COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'; "
              "compopt() { :; }; COMP_LINE=$1; COMP_POINT=${#1}; _pullama; printf '%s\\n' \"${COMPREPLY[@]}\"")
    result = subprocess.run(["bash", "-c", script, "bash", line], text=True, capture_output=True, check=True, env={
        **pullama.environment, "PATH": f"{pullama.path.parent}:{os.environ['PATH']}"})
    assert result.stderr == ""
    return result.stdout.split()


def test_bash_completes_commands_flags_values_and_models(pullama, store, system):
    prefix = system[1]
    install(store, "registry.ollama.ai", "library/llama3.2", "3b", model.small(1000))
    install(store, "registry.ollama.ai", "library/mistral", "latest", model.small(1000))
    assert completed(pullama, prefix, "pullama out") == ["outdated"]
    assert {"pull", "prune", "adopt", "sync"} <= set(completed(pullama, prefix, "pullama "))
    assert completed(pullama, prefix, "pullama rm --dr") == ["--dry-run"]
    assert completed(pullama, prefix, "pullama --output j") == ["json"]
    assert completed(pullama, prefix, "pullama show ll") == ["llama3.2:3b"]
    assert completed(pullama, prefix, "pullama show llama3.2:") == ["3b"]
    assert completed(pullama, prefix, "pullama --output json show mi") == ["mistral:latest"]
    assert set(completed(pullama, prefix, "pullama rm ")) == {"llama3.2:3b", "mistral:latest"}
    assert completed(pullama, prefix, "pullama help up") == ["update"]


def test_the_man_page_has_no_warnings(system):
    if not shutil.which("man") or not shutil.which("groff"):
        pytest.skip("no man")
    page = system[1] / "share/man/man1/pullama.1"
    result = subprocess.run(["man", "--warnings", "-l", page], text=True, capture_output=True, check=True,
                            env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert result.stderr == "" and "EXIT STATUS" in result.stdout
