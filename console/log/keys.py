"""Which key signs the evidence log: the one that the log itself names, in the key file or, after a rotation, beside it.

A rotation puts the new key into `<key file>.next` and a record into the log. The day with that record is still sealed with
the old key; from the next day on the log names the new one, and the files change places.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitor.evidence.keys import PrivateKey, read_key
from monitor.finding import refuse

MAX_PASSPHRASE = 4_096


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The collector's key file and the file whose first line opens it, if it is encrypted."""

    path: Path
    passphrase_path: Path | None = None

    @property
    def next_path(self) -> Path:
        """Where a rotation puts the new key."""
        return self.path.with_name(self.path.name + ".next")

    @property
    def there(self) -> bool:
        """Tell whether there is a key at all."""
        return self.path.exists() or self.next_path.exists()

    def passphrase(self) -> str | None:
        """Return the passphrase, None if no file is named. InputError if the file is missing or empty."""
        return None if self.passphrase_path is None else first_line(self.passphrase_path)

    def current(self) -> PrivateKey:
        """Return the key of the key file. InputError as from `read_key`."""
        return read_key(self.path, self.passphrase())

    def signing(self, origin: str, public: str) -> PrivateKey:
        """Return the key that signs for `origin` now: the one with this public key's text, or any if the log names none.

        InputError: no such key in the files, or it is another origin's.
        """
        found = [read_key(path, self.passphrase()) for path in (self.path, self.next_path) if path.exists()]
        if not found:
            raise refuse(
                "没有封存密钥 there is no key to seal with", "camsla evidence keygen，或恢复备份 or restore the backup"
            )
        for key in found if public else found[:1]:
            if key.name != origin:
                raise refuse(
                    f"密钥属于 {key.name}，日志是 {origin} the key is of another origin",
                    "改设置 evidence.origin，或换密钥文件 correct evidence.origin, or use that log's key",
                    file=str(self.path),
                )
            if not public or key.public().text() == public:
                return key
        raise refuse(
            f"密钥不是本日志的 the key is not the one that the log names: {public}",
            "恢复原密钥的备份；已遗失则另起日志（新 origin）restore the backup; if it is lost, begin a log of another origin",
            file=str(self.path),
        )

    def settle(self, public: str) -> None:
        """Let the files change places once the log names the new key; the old one stays under its hash."""
        if not self.next_path.exists():
            return
        passphrase = self.passphrase()
        if read_key(self.next_path, passphrase).public().text() != public:
            return
        if self.path.exists():
            old = read_key(self.path, passphrase).public()
            self.path.rename(self.path.with_name(f"{self.path.name}.{old.hash.hex()}.old"))
        self.next_path.rename(self.path)


def first_line(path: Path) -> str:
    """Return a passphrase file's first line. InputError if it cannot be read or is empty."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.readline(MAX_PASSPHRASE).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(
            f"无法读取口令文件 cannot read the passphrase: {error}", "检查路径 check the path", file=str(path)
        ) from None
    if not text:
        raise refuse("口令文件首行为空 the first line is empty", "首行写口令 put the passphrase there", file=str(path))
    return text
