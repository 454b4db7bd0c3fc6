"""What this machine can do at most: the rate of each stage that a verified pull consists of."""
import os
import re
import subprocess
import time

PIECE = 1 << 20


def sha256_rate(processes=1, seconds=1):
    """Bytes per second that OpenSSL hashes in that many processes."""
    words = ["openssl", "speed", "-mr", "-elapsed", "-seconds", str(seconds), "-bytes", "65536", "-evp", "sha256"]
    if processes > 1:
        words[2:2] = ["-multi", str(processes)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return parse_speed(done.stdout + done.stderr)


def parse_speed(text):
    """The rate in the machine-readable output of openssl speed."""
    return float(re.findall(r"^\+F:.*:([0-9.]+)$", text, re.MULTILINE)[-1])


def disk_rate(folder, size):
    """Bytes per second that get durable: allocated, written around the cache where possible, synced."""
    return max(written(folder, size, os.O_DIRECT), written(folder, size, 0))


def written(folder, size, flags):
    import mmap
    path = folder / "disk"
    piece = mmap.mmap(-1, PIECE)  # page-aligned, as O_DIRECT wants it
    piece.write(os.urandom(PIECE))
    begun = time.monotonic()
    try:
        fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_EXCL | flags, 0o600)
    except OSError:  # no O_DIRECT on this file system
        path.unlink(missing_ok=True)
        return 0.0
    try:
        os.posix_fallocate(fd, 0, size)
        for offset in range(0, size, PIECE):
            os.pwrite(fd, piece, offset)
        os.fdatasync(fd)
        return size / (time.monotonic() - begun)
    finally:
        os.close(fd)
        path.unlink()
