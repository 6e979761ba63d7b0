"""A folder of the archive to read from: which days it has, each file checked against its record before it is used."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date
from pathlib import Path

from monitor.archive.parts import Part, parts_of, sound
from monitor.finding import Finding, refuse

_FILE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.[1-9][0-9]{0,5})?\.parquet")


class Shelf:
    """The files of a folder by day. A file without a record, such as one that was sent on its own, is taken as it is."""

    def __init__(self, folder: Path) -> None:
        """Look what is there. InputError if there is no such folder, or a record in it is damaged."""
        if not folder.is_dir():
            raise refuse(
                "没有这个归档目录 no such folder of an archive",
                "先归档，或指明目录 build it first, or name another: camsla archive build",
                file=str(folder),
            )
        self.folder = folder
        self._parts = parts_of(folder)
        self._checked: set[Path] = set()
        self._files: dict[date, list[tuple[Path, Part | None]]] = {}
        recorded = set()
        for part in self._parts:
            recorded.add(part.path(folder))
            if part.pruned_at is None:
                self._files.setdefault(part.day, []).append((part.path(folder), part))
        for path in sorted(folder.glob("*.parquet")):
            match = _FILE.fullmatch(path.name)
            if match and path not in recorded:
                self._files.setdefault(date.fromisoformat(match[1]), []).append((path, None))

    @property
    def days(self) -> Collection[date]:
        """The days that have a file."""
        return self._files.keys()

    def paths(self, day: date) -> list[Path]:
        """Return a day's files. InputError names one that is missing or is not what its record says."""
        found = []
        for path, part in self._files.get(day, ()):
            if part is not None and path not in self._checked:
                sound(self.folder, part)
                self._checked.add(path)
            found.append(path)
        return found

    def doubts(self, days: Iterable[date]) -> list[Finding]:
        """Warn of those of the days that have no file, and of files that no record vouches for."""
        wanted = sorted(days)
        findings = []
        missing = [str(day) for day in wanted if day not in self._files]
        if missing:
            gone = {str(part.day) for part in self._parts if part.pruned_at is not None}
            said = "、".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            why = "已过保留期 out of retention" if set(missing) <= gone else "没有归档 not archived"
            message = f"{len(missing)} 天{why} days: {said}；这些时段计为缺失 their time counts as unknown"
            findings.append(Finding(str(self.folder), 0, "", message, "camsla archive list", "warning"))
        loose = [path.name for day in wanted for path, part in self._files.get(day, ()) if part is None]
        if loose:
            message = f"{len(loose)} 个文件没有记录，摘要未核对 files without a record, digests not checked: {loose[0]}"
            remedy = "与封存清单中的摘要比对 compare with the digest in the sealed manifest: sha256sum"
            findings.append(Finding(str(self.folder), 0, "", message, remedy, "warning"))
        return findings
