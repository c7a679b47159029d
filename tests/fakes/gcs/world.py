"""A command in a world of its own, in which Google's names lead to this process.

    python -m tests.fakes.gcs.world FOLDER COMMAND...

FOLDER/buckets/NAME is a bucket, and what is in /gcs/NAME. Loopback is the only network.
The names of Cloud Storage and of the metadata server lead to it; the certificates of an
authority made for it are trusted. Nothing outside changes, and no variable is
needed inside: TensorFlow's own client, too, finds all as in Google's cloud.

FOLDER/requests.txt says what was asked. Ends with the command's code.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import certifi
import trustme

from tests.fakes.gcs.api import Api
from tests.fakes.gcs.listening import listening
from tests.fakes.gcs.metadata_server import MetadataServer

_NAMES = (
    *("storage.googleapis.com", "www.googleapis.com", "iamcredentials.googleapis.com"),
    "localhost",
)
_METADATA_IP = "169.254.169.254"
_METADATA_NAMES = ("metadata.google.internal", "metadata")
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
# Pages of a few: whoever forgets to turn them is found out.
_PAGE_SIZE = 7
_NEW_NET, _NEW_MOUNTS = 0x40000000, 0x00020000
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
_IFF_UP = 1
_SET_ADDRESS, _SET_FLAGS = 0x8916, 0x8914


def missing() -> str:
    """Why there can be no such world here; empty where there can."""
    if os.geteuid() != 0:
        return "only root makes a network and mounts of its own"
    if not _TRUSTED.is_file():
        return f"there is no {_TRUSTED}, which TensorFlow's client reads"
    return _refusal()


@functools.cache
def _refusal() -> str:
    """The last words of an attempt; empty when it went well."""
    tried = subprocess.run(
        [sys.executable, "-c", _TRY], capture_output=True, text=True, cwd=ROOT
    )
    return (tried.stderr.strip().splitlines() or [""])[-1] if tried.returncode else ""


ROOT = Path(__file__).resolve().parents[3]
_TRY = """
from tests.fakes.gcs import world
world.leave()
"""


def main(folder: Path, command: list[str]) -> int:
    """Makes the world, runs the command in it and returns its code."""
    (folder / "buckets").mkdir(parents=True, exist_ok=True)
    leave()
    _raise_loopback()
    with _google(folder):
        return subprocess.run(command, check=False).returncode


def leave() -> None:
    """Gives this process a network without anything, and mounts that are its own.

    Raises:
      OSError: it may not have them.
    """
    _call("unshare", _NEW_NET | _NEW_MOUNTS)
    # Else what is mounted here would be mounted there, too.
    _call("mount", b"none", b"/", None, _RECURSIVE | _PRIVATE, None)


@contextlib.contextmanager
def _google(folder: Path) -> Iterator[None]:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*_NAMES, "127.0.0.1").configure_cert(tls)
    _lay_over(folder, authority.cert_pem.bytes())
    machine = MetadataServer()
    with (folder / "requests.txt").open("w", encoding="utf-8", buffering=1) as log:
        api = Api(
            folder / "buckets",
            machine.tokens,
            _PAGE_SIZE,
            seen=lambda line: log.write(f"{line}\n"),
        )
        with (
            listening(api.answer, ("127.0.0.1", 443), tls),
            listening(machine.answer, (_METADATA_IP, 80)),
        ):
            yield


def _lay_over(folder: Path, certificate: bytes) -> None:
    """Hosts, trusted certificates and /gcs, each over what is there, in this world."""
    hosts = [f"127.0.0.1 {' '.join(_NAMES)}"]
    hosts.append(f"{_METADATA_IP} {' '.join(_METADATA_NAMES)}")
    _lay(folder / "hosts", "\n".join(hosts).encode() + b"\n", Path("/etc/hosts"))
    for trusted in (_TRUSTED, Path(certifi.where()).resolve()):
        text = trusted.read_bytes() + b"\n" + certificate
        _lay(folder / f"trusted-{trusted.name}", text, trusted.resolve())
    _new_root(folder / "root", folder / "buckets")


def _lay(file: Path, content: bytes, over: Path) -> None:
    file.write_bytes(content)
    _bind(file, over)


def _new_root(root: Path, buckets: Path) -> None:
    """All that the old one has, and /gcs: no folder is made in the old one."""
    root.mkdir()
    _call("mount", b"world", bytes(root), b"tmpfs", 0, None)
    for each in Path("/").iterdir():
        place = root / each.name
        if each.is_symlink():
            place.symlink_to(each.readlink())
        elif each.is_dir():
            place.mkdir()
            _bind(each, place)
    (root / "gcs").mkdir(exist_ok=True)
    for bucket in buckets.iterdir():
        (root / "gcs" / bucket.name).mkdir()
    _bind(buckets, root / "gcs")
    here = Path.cwd()
    os.chroot(root)
    os.chdir(here)


def _bind(source: Path, target: Path) -> None:
    _call("mount", bytes(source), bytes(target), None, _BIND | _RECURSIVE, None)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name = struct.pack("16sH", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SET_FLAGS, name.ljust(40, b"\0"))
        address = struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(_METADATA_IP))
        alias = struct.pack("16s", b"lo:1") + address
        fcntl.ioctl(any_socket, _SET_ADDRESS, alias.ljust(40, b"\0"))


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    plain = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    if getattr(libc, name)(*plain):
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
