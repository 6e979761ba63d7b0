"""onvif-zeep-async let in without its side effects, and its WSDL files parsed once for all devices.

Importing the library configures logging for the whole process, and its camera object takes the proxy variables out of the
environment and opens sessions that verify no certificate. So it is imported with logging put back as it was, and of
it only the WSDL files, the client and the login token are used; bytes go through our own connection.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICES = ("devicemgmt", "media")
_LOCK = threading.Lock()
_NOISY = ("zeep.xsd.types.simple", "zeep.xsd.elements.attribute")
"""Loggers that write a traceback for every bad value a device sends."""


@dataclass(frozen=True, slots=True)
class Library:
    """What identity needs of the library: parsed bindings by service name, and the classes to call them with."""

    client: Any
    token: Any
    settings: Any
    documents: Mapping[str, Any]
    bindings: Mapping[str, Any]
    namespaces: Mapping[str, str]


_loaded: Library | None = None


def library() -> Library:
    """Return the library, loaded on first use (about two seconds: call it on a thread, before any deadline runs).

    Only files that come with the library are read; nothing is fetched.
    """
    global _loaded  # noqa: PLW0603  parsed once per process, on whatever thread comes first
    with _LOCK:
        if _loaded is None:
            _loaded = _load()
        return _loaded


def _load() -> Library:
    client = _import_quietly()
    from onvif.transport import ASYNC_TRANSPORT  # noqa: PLC0415  after the guarded import
    from zeep.settings import Settings  # noqa: PLC0415
    from zeep.wsdl import Document  # noqa: PLC0415

    settings = Settings(
        strict=False,
        raw_response=True,  # large replies are read on a thread
        xml_huge_tree=False,
        forbid_dtd=True,
        forbid_entities=True,
        forbid_external=True,
    )
    folder = Path(client.__file__).parent / "wsdl"
    documents: dict[str, Any] = {}
    bindings: dict[str, Any] = {}
    namespaces: dict[str, str] = {}
    for name in SERVICES:
        service = client.SERVICES[name]
        document = Document(str(folder / service["wsdl"]), ASYNC_TRANSPORT, settings=settings)
        documents[name] = document
        bindings[name] = document.bindings["{{{}}}{}".format(service["ns"], service["binding"])]
        namespaces[name] = service["ns"]
    return Library(client.ZeepAsyncClient, client.UsernameDigestTokenDtDiff, settings, documents, bindings, namespaces)


def _import_quietly() -> Any:
    """Import the library; handlers and levels of logging are as before when this returns."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        import onvif.client  # noqa: PLC0415  it takes half a second, and few commands need it
    finally:
        for added in [handler for handler in root.handlers if handler not in handlers]:
            root.removeHandler(added)
            added.close()
        root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return onvif.client
