"""The docker client's configuration: written as it writes it, and helper programs that keep passwords."""
import base64
import json
from pathlib import Path

HELPER = """#!/bin/sh
# Keeps everything in the folder {folder}; notes how it was called.
printf '%s\\n' "$*" >>{folder}/calls
input=$(cat)
printf '%s\\n' "$input" >>{folder}/inputs
{script}
"""
# Answers get from a file named for the server, with what a shell cannot have in a file name replaced.
KEEPER = """name=$(printf '%s' "$input" | tr '/:[]' '____')
case "$1" in
get) if [ -f {folder}/keep-$name ]; then cat {folder}/keep-$name
     else echo "credentials not found in native keychain"; exit 1; fi ;;
store) server=$(printf '%s' "$input" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' | tr '/:[]' '____')
     printf '%s' "$input" >{folder}/keep-$server ;;
erase) if [ -f {folder}/keep-$name ]; then rm {folder}/keep-$name
     else echo "credentials not found in native keychain"; exit 1; fi ;;
esac
"""


def pair(user, password):
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def write_config(home, text=None, **members):
    """Writes ~/.docker/config.json and returns its path."""
    path = home / ".docker" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(members) if text is None else text)
    return path


def log_in(home, host, user, password, **entry):
    return write_config(home, auths={host: {"auth": pair(user, password), **entry}})


class Helper:
    """A program docker-credential-NAME in a folder of its own."""

    def __init__(self, folder, name="test", script=KEEPER):
        self.folder = Path(folder) / f"helper-{name}"
        self.folder.mkdir()
        self.program = self.folder / f"docker-credential-{name}"
        self.program.write_text(HELPER.format(folder=self.folder, script=script.format(folder=self.folder)))
        self.program.chmod(0o755)

    def keep(self, server, user, password):
        name = server.translate(str.maketrans("/:[]", "____"))
        (self.folder / f"keep-{name}").write_text(
            json.dumps({"ServerURL": server, "Username": user, "Secret": password}))

    def kept(self):
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("keep-*"))]

    @property
    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def path(self, environment):
        """The PATH by which the program is found."""
        return f"{self.folder}:{environment['PATH']}"
