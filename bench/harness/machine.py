"""What the figures were measured on and with."""
import os
import platform
import shutil
import subprocess
from pathlib import Path

# Program, the Debian package that has it, what it is for.
NEEDED = (("nginx", "nginx-light", "the server"), ("openssl", "openssl", "certificates and the hash rate"),
          ("curl", "curl", "a contender, and the raw receive rate"), ("sha256sum", "coreutils", "checks"),
          ("cc", "gcc libc6-dev", "builds the measuring programs"))
OPTIONAL = (("aria2c", "aria2", "a contender"), ("wget2", "wget2", "a contender"),
            ("ip", "iproute2", "separate hosts with a shaped link between them"))


def missing(programs):
    return [row for row in programs if not shutil.which(row[0])]


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ((done.stdout or done.stderr).splitlines() or [""])[0]


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def file_system(folder):
    return first_line("stat", "-f", "-c", "%T", str(folder))


def facts(folder, program):
    return {"processor": processor(), "cores": os.cpu_count(), "kernel": platform.release(),
            "file_system": file_system(folder), "load": os.getloadavg(),
            "pullama": first_line(program, "version"), "aria2": first_line("aria2c", "--version"),
            "wget2": first_line("wget2", "--version"), "curl": first_line("curl", "--version"),
            "nginx": first_line("nginx", "-v"), "openssl": first_line("openssl", "version")}
