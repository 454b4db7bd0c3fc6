"""What is said on failure: where, what, and what to type next; once, with the status that means it."""
import socket
import threading

import pytest
from support import model
from support.model import MIB


@pytest.fixture
def plain_port():
    """A server that answers a TLS hello as a plain HTTP server does."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    # Closed only when nobody waits on it: its number may belong to the next listener at once.
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


def test_a_plain_http_registry_is_told_of_at_once(pullama, plain_port):
    result = pullama.run("pull", f"127.0.0.1:{plain_port}/library/m").ended(1)
    assert "--insecure" in result.err and "retry" not in result.err, result


def test_a_dry_run_without_a_store_knows_the_space(pullama, store, registry):
    registry.add("library/m", "latest", model.small(MIB))
    plan = pullama.pull(registry.name("library/m"), "--dry-run").ended(0).named("plan")[0]
    assert plan["FreeBytes"] > 0 and not store.exists()


def test_a_blob_that_the_registry_lacks_is_not_a_missing_model(pullama, registry):
    tiny = registry.add("library/m", "latest", model.small(1000))
    registry.fault("/blobs/" + tiny.layers[0].digest, status=404)
    result = pullama.pull(registry.name("library/m")).ended(1)
    assert "spelling" not in result.err and tiny.layers[0].digest[7:19] in result.err


def test_a_broken_manifest_is_named_once(pullama, registry):
    registry.add("library/m", "latest", model.small(1000), manifest=b"<html>Welcome</html>")
    result = pullama.pull(registry.name("library/m")).ended(1)
    assert result.err.count("manifest:") == 1, result


def test_an_unknown_model_is_named_in_its_usual_form(pullama, registry):
    result = pullama.pull(registry.name("library/nothing")).ended(4)
    assert result.err.count(registry.host) == 1 and "nothing:latest" in result.err, result


@pytest.mark.parametrize("command", [["show", "nothing"], ["rm", "nothing"], ["cp", "nothing", "copy"]])
def test_what_is_not_here_points_at_list(pullama, command):
    result = pullama.run(*command).ended(4)
    assert "pullama list" in result.err and "spelling" not in result.err


def test_keygen_without_a_home_says_so(pullama):
    result = pullama.run("keygen", environment={"HOME": ""})
    assert result.status == 64 and "HOME" in result.err, result
    result = pullama.run("keygen", environment={"HOME": "/nonexistent"})
    assert result.status == 1 and "/nonexistent" in result.err and "spelling" not in result.err, result


def test_a_file_in_place_of_the_models_directory(pullama, registry, tmp_path):
    registry.add("library/m", "latest", model.small(1000))
    file = tmp_path / "file"
    file.write_text("mine")
    result = pullama.run("pull", registry.name("library/m"), "--models-dir", file).ended(64)
    assert str(file) in result.err and "move" not in result.err, result
    assert file.read_text() == "mine"


@pytest.mark.parametrize("option, value, said", [
    ("--platform", "linux", "os/arch"), ("--proxy", "gopher://me:secret@there", "gopher://"),
    ("--connections", "99", "1 to 32")])
def test_a_wrong_value_is_named_and_the_help_of_the_command(pullama, registry, option, value, said):
    result = pullama.run("pull", option, value, registry.name("library/m")).ended(64)
    assert option.strip("-") in result.err and said in result.err and "pullama help" in result.err, result
    assert "secret" not in result.err and not registry.log


def test_one_try_is_not_counted(pullama, registry):
    name = registry.name("library/m")
    registry.stop()
    result = pullama.run("pull", "--max-retries", "0", name).ended(6)
    assert "tried" not in result.err, result


def test_a_page_in_place_of_an_answer_says_its_title(pullama, registry):
    registry.fault("/manifests/", status=400, body=b"<html>\r\n<head><title>400 The plain HTTP request was sent to"
                   b" HTTPS port</title></head></html>", headers={"Content-Type": "text/html"})
    result = pullama.run("pull", registry.name("library/m")).ended(1)
    assert "sent to HTTPS port" in result.err and "<" not in result.err, result


@pytest.mark.parametrize("words, said", [
    (("queue",), "queue does one of"),
    (("queue", "pause"), "no command 'queue pause'"),
    (("serve",), "serve"),
    (("get", "x"), "get"),
    (("--output", "json"), "a command or a model is missing"),
])
def test_words_that_name_no_command_are_an_error_and_no_crash(pullama, words, said):
    result = pullama.run(*words).ended(64)
    assert said in result.err and result.err.count("error:") == 1, result


@pytest.mark.parametrize("words, verb", [
    (("adopt", "none.gguf", "--as", "m"), "adopt"),
    (("import", "none.zip"), "import"),
    (("sync", "none.lock"), "sync"),
    (("history", "--since", "soon"), "history"),
])
def test_a_wrong_word_is_wrong_usage_of_its_command(pullama, tmp_path, words, verb):
    result = pullama.run(*words, cwd=tmp_path).ended(64)
    assert f"see: pullama help {verb}\n" in result.err and words[-1 if verb != "adopt" else 1] in result.err, result


def test_an_archive_that_has_no_place_blames_no_store(pullama, store, registry, tmp_path):
    registry.add("library/m", "latest", model.small(MIB))
    pullama.pull(registry.name("library/m")).ended(0)
    result = pullama.run("export", registry.name("library/m"), "-o", tmp_path / "none" / "a.zip").ended(64)
    assert f"there is no folder {tmp_path / 'none'}" in result.err and str(store) not in result.err, result


def test_a_model_that_may_be_a_mistyped_command_is_asked_about(pullama):
    nowhere = ("--max-retries", "0", "--proxy", "http://127.0.0.1:1")
    result = pullama.run("lsit", *nowhere).ended(6)
    assert "no command is called 'lsit'; did you mean: pullama list\n" in result.err, result
    assert "did you mean" not in pullama.run("pull", "lsit", *nowhere).ended(6).err
    assert "did you mean" not in pullama.run("mistral", *nowhere).ended(6).err


def test_doctor_knows_a_registry_without_tls(pullama, plain_port):
    result = pullama.run("doctor", f"127.0.0.1:{plain_port}").ended(1)
    assert "--insecure" in result.out and "firewall" not in result.out, result


@pytest.mark.parametrize("words", [
    ("adopt", "folder", "--as", "m"),
    ("import", "folder"),
    ("freeze", "-o", "folder"),
])
def test_a_folder_in_place_of_a_file_is_wrong_usage(pullama, tmp_path, words):
    (tmp_path / "folder").mkdir()
    result = pullama.run(*words, cwd=tmp_path).ended(64)
    assert "folder is a folder; name a file in it" in result.err and "what was received" not in result.err, result
    assert (tmp_path / "folder").is_dir() and not list(tmp_path.glob(".folder*"))
