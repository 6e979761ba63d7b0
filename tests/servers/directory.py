"""A small LDAP directory that speaks the protocol over TCP or TLS: simple binds and searches of people it is given."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Entry:
    dn: str
    password: str
    uid: str
    cn: str
    groups: tuple[str, ...] = ()


@dataclass
class People:
    """What the directory knows; `binds` are the names that tried, in order."""

    entries: dict[str, Entry]
    binds: list[str] = field(default_factory=list)
    searches: list[bytes] = field(default_factory=list)


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    long = size.to_bytes((size.bit_length() + 7) // 8, "big")
    length = bytes([size]) if size < 128 else bytes([0x80 | len(long)]) + long
    return bytes([tag]) + length + body


def read_tlv(data: bytes, at: int = 0) -> tuple[int, bytes, int]:
    tag, size, at = data[at], data[at + 1], at + 2
    if size & 0x80:
        n = size & 0x7F
        size, at = int.from_bytes(data[at : at + n], "big"), at + n
    return tag, data[at : at + size], at + size


def result(tag: int, code: int) -> bytes:
    return tlv(tag, tlv(0x0A, bytes([code])), tlv(0x04), tlv(0x04))


def attribute(name: str, *values: str) -> bytes:
    return tlv(0x30, tlv(0x04, name.encode()), tlv(0x31, *(tlv(0x04, value.encode()) for value in values)))


def answer(people: People, message: bytes, state: dict[str, str]) -> list[bytes]:
    _, number, at = read_tlv(message)
    tag, body, _ = read_tlv(message, at)
    head = tlv(0x02, number)
    if tag == 0x60:  # bind
        _, _, at = read_tlv(body)
        _, name, at = read_tlv(body, at)
        _, password, _ = read_tlv(body, at)
        dn = name.decode()
        people.binds.append(dn)
        entry = people.entries.get(dn.casefold())
        right = not password or (
            entry is not None and entry.password.encode() == password
        )  # empty: anonymous, as they do
        state["dn"] = dn if right else ""
        return [tlv(0x30, head, result(0x61, 0 if right else 49))]
    if tag == 0x63:  # search
        people.searches.append(body)
        found = [e for e in people.entries.values() if e.uid.encode() in body]
        rows = [
            tlv(
                0x30,
                head,
                tlv(
                    0x64,
                    tlv(0x04, e.dn.encode()),
                    tlv(0x30, attribute("cn", e.cn), attribute("memberOf", *e.groups)),
                ),
            )
            for e in found
        ]
        return [*rows, tlv(0x30, head, result(0x65, 0))]
    return []


def serve_one(connection: socket.socket, people: People) -> None:
    state: dict[str, str] = {}
    buffer = b""
    with connection:
        while True:
            while len(buffer) < 2 or len(buffer) < read_tlv(buffer)[2]:
                more = connection.recv(65_536)
                if not more:
                    return
                buffer += more
            _, message, end = read_tlv(buffer)
            buffer = buffer[end:]
            for part in answer(people, message, state):
                connection.sendall(part)


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "ldap.crt", folder / "ldap.key"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


@contextmanager
def running(people: People, tls: tuple[Path, Path] | None = None) -> Iterator[int]:
    """Serve on loopback; gives the port."""
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5)

            def one(connection: socket.socket = connection) -> None:
                try:
                    inner = context.wrap_socket(connection, server_side=True) if context else connection
                    serve_one(inner, people)
                except OSError:
                    connection.close()

            threads.append(threading.Thread(target=one, daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)
        for thread in threads:
            thread.join(6)
