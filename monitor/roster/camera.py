"""What a row's camera columns mean for the camera that is known: the same, better known, or another device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from monitor.points import Camera, CameraSpec, CameraWrite, Change, Cipher, credential_context, host_of
from monitor.roster.address import DEFAULT_PORT, Stream, stream_of
from monitor.roster.cells import Complain
from monitor.roster.rows import PointRow

SECRET_SHOWN = "***"  # noqa: S105


class CameraPlan(NamedTuple):
    """`write` is None if nothing changes; `replaced` says that another device comes in."""

    spec: CameraSpec
    write: CameraWrite | None
    replaced: bool
    changes: tuple[Change, ...]


def stated_spec(old: CameraSpec, stated: Mapping[str, str]) -> CameraSpec:
    """Return what is known of a camera once a row has been read: columns that are missing leave it as it was.

    Neither do empty cells clear what the device is: it may have said so itself since the file was written.
    """
    return CameraSpec(
        make=stated.get("make") or old.make,
        model=stated.get("model") or old.model,
        serial=stated.get("serial") or old.serial,
        macs=stated.get("macs") or old.macs,
        rtsp_url=_url(old.rtsp_url, stated),
        onvif_addr=stated.get("onvif_addr", old.onvif_addr),
    )


def _url(old: str, stated: Mapping[str, str]) -> str:
    """Put the address together: a whole one first, else IPv4, port and path over what is known."""
    if stated.get("rtsp_url"):
        return stated["rtsp_url"]
    known = stream_of(old) or Stream("", DEFAULT_PORT, "")
    host = stated.get("ipv4", "" if "rtsp_url" in stated else known.host)
    if not host:
        return ""
    port = int(stated.get("port") or (DEFAULT_PORT if "port" in stated else known.port))
    return Stream(host, port, stated.get("path", known.path)).url


def is_other_device(old: CameraSpec, new: CameraSpec) -> bool:
    """Say whether serial, MAC or host differ where both are known; what was empty before merely becomes known."""
    pairs = ((old.serial, new.serial), (host_of(old.rtsp_url), host_of(new.rtsp_url)))
    if any(before and after and before != after for before, after in pairs):
        return True
    return bool(old.macs and new.macs and not set(old.macs.split(",")) & set(new.macs.split(",")))


def is_same_device(one: CameraSpec, other: CameraSpec) -> bool:
    """Say whether two addresses' cameras are known to be one device: by serial or a MAC in common."""
    macs = set(one.macs.split(",")) & set(other.macs.split(",")) - {""}
    return not is_other_device(one, other) and bool((one.serial and one.serial == other.serial) or macs)


def plan_camera(
    row: PointRow, known: Camera | None, cipher: Cipher | None, complain: Complain, complain_login: Complain
) -> CameraPlan:
    """Compare a row with the camera that serves its point (None: none yet).

    A password is kept only while login and host stay the same: it belongs to the address that it was registered for.
    """
    old = known.spec if known else CameraSpec()
    spec = stated_spec(old, row.camera)
    replaced = known is not None and is_other_device(old, spec)
    if replaced:
        # Another device: what nobody has said about it is not known, but the place keeps its stream's path.
        onvif = old.onvif_addr if host_of(old.rtsp_url) == host_of(spec.rtsp_url) else ""
        spec = stated_spec(CameraSpec(rtsp_url=old.rtsp_url, onvif_addr=onvif), row.camera)
    credential = known.credential if known else None
    keep: int | None = None
    login = None
    changes = [
        Change(name, before, after)
        for name in ("make", "model", "serial", "macs", "rtsp_url", "onvif_addr")
        if (before := getattr(old, name)) != (after := getattr(spec, name))
    ]
    same_host = credential is not None and host_of(old.rtsp_url) == host_of(spec.rtsp_url)
    if row.password is not None:
        same_login = same_host and credential is not None and credential.username == row.username
        if same_login and known is not None and _same_password(row, known, cipher):
            keep = credential.id if credential else None
        else:
            login = (row.username, row.password)
            if credential is None or credential.username != row.username:
                changes.append(Change("username", credential.username if credential else "", row.username))
            changes.append(Change("password", SECRET_SHOWN if credential else "", SECRET_SHOWN))
    elif credential is not None and row.username and row.username != credential.username:
        complain_login("用户名变更须同时给出密码 a new username needs its password", "补上密码 add the password")
    elif credential is not None and same_host:
        keep = credential.id
    elif credential is not None:
        complain(
            "地址已变，原密码不再使用 the address changed; its password is dropped",
            "补登密码 register it again",
            "warning",
        )
        changes.append(Change("password", SECRET_SHOWN, ""))
    elif row.username:
        complain_login("有用户名而无密码，未保存 a username without password is not kept", "补上密码 add it", "warning")
    new = known is None or replaced
    if not new and not changes:
        return CameraPlan(spec, None, False, ())
    return CameraPlan(
        spec, CameraWrite(None if new or known is None else known.id, spec, keep, login), replaced, tuple(changes)
    )


def _same_password(row: PointRow, known: Camera, cipher: Cipher | None) -> bool:
    if known.credential is None or row.password is None:
        return False
    if cipher is None:
        raise ValueError("a file with passwords can only be compared with a cipher")
    context = credential_context(known.credential.username, known.spec.rtsp_url)
    return cipher.decrypt(known.credential.nonce, known.credential.cipher, context) == row.password.reveal()
