"""The rules of the lint suite find what they are there to find."""
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path):
    """A small project with the tools in it. Returns a function that writes a file and one that runs a tool."""
    (tmp_path / "tools").mkdir()
    for name in ("check-size", "check-layers", "check-banned", "count-results"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools")

    def write(place, text):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(tool, *arguments):
        return subprocess.run([tmp_path / "tools" / tool, *arguments], cwd=tmp_path, capture_output=True,
                              text=True, check=False)

    write("src/base/text.c", '#include "pullama/text.h"\n#include <string.h>\n')
    write("include/pullama/text.h", "#pragma once\n")
    return write, run


def test_a_clean_tree_passes(tree):
    _, run = tree
    for tool in ("check-size", "check-layers", "check-banned"):
        result = run(tool)
        assert result.returncode == 0, result


def test_a_long_file_and_a_long_function_are_found(tree):
    write, run = tree
    write("src/base/long.c", "int x;\n" * 501)
    assert "long.c" in run("check-size").stderr
    write("src/base/long.c", "int f(void)\n{\n" + "    g();\n" * 59 + "}\n")
    result = run("check-size")
    assert result.returncode == 1 and "long.c:2" in result.stderr
    write("src/base/long.c", "int f(void)\n{\n" + "    g();\n" * 58 + "}\n")
    assert run("check-size").returncode == 0


@pytest.mark.parametrize("place, include, good", [
    ("src/net/a.c", '"base/text.h"', True), ("src/net/a.c", '"store/blobs.h"', False),
    ("src/store/a.c", '"net/http.h"', False), ("src/event/a.c", '"store/blobs.h"', False),
    ("src/base/a.c", '"os/os.h"', False), ("src/oci/a.c", '"os/os.h"', True),
    ("src/engine/a.c", '"store/blobs.h"', True), ("src/cli/a.c", '"engine/pull.h"', False),
    ("src/cli/a.c", '"pullama/engine.h"', True), ("src/net/a.c", '"pullama/event.h"', False),
    ("src/net/retry.h", '"pullama/event.h"', True), ("src/net/a.c", "<curl/curl.h>", True),
    ("src/oci/a.c", "<curl/curl.h>", False), ("src/base/json.c", "<jansson.h>", True),
    ("src/base/a.c", "<jansson.h>", False), ("src/oci/digest.c", "<openssl/evp.h>", True),
    ("src/net/a.c", "<openssl/evp.h>", False), ("src/cli/a.c", "<utf8proc.h>", True),
    ("src/os/a.c", "<fcntl.h>", True), ("src/store/a.c", "<fcntl.h>", False), ("src/cli/a.c", "<unistd.h>", True),
    ("src/engine/a.c", "<unistd.h>", False), ("src/net/a.c", "<pthread.h>", False)])
def test_layers(tree, place, include, good):
    write, run = tree
    write(place, f"#include {include}\n")
    result = run("check-layers")
    assert (result.returncode == 0) == good, result.stdout


@pytest.mark.parametrize("place, text, good", [
    ("src/base/a.c", "strcpy(a, b);", False), ("src/base/a.c", "snprintf(a, 5, b);", True),
    ("src/base/a.c", "/* strcpy(a, b) is banned */", True), ("src/base/a.c", 'puts("system(1)");', True),
    ("src/base/a.c", "sprintf (a, b);", False), ("src/base/a.c", "plm_cond_signal(&c);", True),
    ("src/base/a.c", "signal(SIGINT, f);", False), ("src/engine/a.c", "renameat(a, b, c, d);", False),
    ("src/os/a.c", "renameat(a, b, c, d);", True), ("src/store/atomic.c", "rename(a, b);", True),
    ("README.md", "TO" "DO: more", False), ("src/base/a.c", "/* FIX" "ME */", False),
    ("README.md", "see /wo" "rk/shared", False), ("README.md", "see ../wo" "rk/shared and net/wo" "rk/x", True),
    ("README.md", "https://py" "pi.org/x", False)])
def test_banned(tree, place, text, good):
    write, run = tree
    write(place, text + "\n")
    result = run("check-banned")
    assert (result.returncode == 0) == good, result.stdout


SUITE = "<testsuites><testsuite>{}</testsuite></testsuites>"


@pytest.mark.parametrize("files, line, status", [
    ({"a.junit.xml": SUITE.format("<testcase/><testcase><skipped/></testcase>"), "a.status": "0"},
     "1 passed, 0 failed, 1 skipped", 0),
    ({"a.junit.xml": SUITE.format("<testcase><failure/></testcase>"), "a.status": "1"}, "0 passed, 1 failed, 0 skipped", 1),
    ({"a.junit.xml": SUITE.format("<testcase/>"), "a.status": "2"}, "1 passed, 1 failed, 0 skipped", 1),
    ({"a.status": "1", "b.junit.xml": SUITE.format("<testcase/>"), "b.status": "0"}, "1 passed, 1 failed, 0 skipped", 1),
    ({"a.junit.xml": "<testsu", "a.status": "0"}, "0 passed, 1 failed, 0 skipped", 1),
    ({}, "0 passed, 1 failed, 0 skipped", 1)], ids=range(6))
def test_results_add_up(tree, tmp_path, files, line, status):
    write, run = tree
    (tmp_path / "results").mkdir()
    for name, content in files.items():
        write(f"results/{name}", content)
    result = run("count-results", "results")
    assert (result.stdout.strip(), result.returncode) == (line, status)


@pytest.fixture
def judge(tmp_path):
    """Builds a small program and returns what check-binary says of it."""
    source = tmp_path / "small.c"
    source.write_text('#include <stdio.h>\n#include <string.h>\n'
                      'int main(int n, char **v) { char a[64]; strcpy(a, v[n - 1]); return puts(a) < 0; }\n')

    def run(*flags):
        program = tmp_path / "small"
        subprocess.run(["gcc", "-O2", *flags, "-o", program, source], check=True, capture_output=True)
        return subprocess.run([ROOT / "tools" / "check-binary", "--program", program],
                              capture_output=True, text=True, check=False)
    return run


HARD = ("-fPIE", "-pie", "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro",
        "-Wl,-z,now", "-Wl,-z,noexecstack")


@pytest.mark.parametrize("flags, complaint", [
    (("-no-pie",), "no PIE"), (("-Wl,-z,norelro",), "no RELRO"), (("-Wl,-z,lazy",), "not full"),
    (("-Wl,-z,execstack",), "stack can be executed"), (("-fno-stack-protector",), "no stack protector"),
    (("-U_FORTIFY_SOURCE",), "_FORTIFY_SOURCE"), (("-Wl,-rpath,/opt",), "places of its own")])
def test_each_missing_protection_is_named(judge, flags, complaint):
    weak = judge(*HARD, *flags)
    assert weak.returncode == 1 and complaint in weak.stderr, weak
    assert complaint not in judge(*HARD).stderr


def test_static_analysis_finds_what_is_not_marked(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "src/base").mkdir(parents=True)
    shutil.copy(ROOT / "tools/check-analysis", tmp_path / "tools")
    shutil.copy(ROOT / ".clang-tidy", tmp_path)
    (tmp_path / "meson.build").write_text("project('small', 'c')\nstatic_library('small', 'src/base/twice.c')\n")
    source = tmp_path / "src/base/twice.c"
    code = "#include <stdlib.h>\nvoid twice(char *p);\nvoid twice(char *p)\n{\n    free(p);\n    free(p);%s\n}\n"

    def run():
        return subprocess.run([tmp_path / "tools/check-analysis", tmp_path / "build"], capture_output=True,
                              text=True, check=False)

    source.write_text(code % "")
    found = run()
    assert found.returncode == 1 and "src/base/twice.c:6" in found.stdout, found
    source.write_text(code % " /* NOLINT cppcheck-suppress doubleFree */")
    marked = run()
    assert marked.returncode == 0 and "nothing found" in marked.stdout, marked
