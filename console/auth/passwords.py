"""Passwords: argon2id, on a thread of their own, so that neither the loop nor readers wait for them."""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import Executor, ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from monitor.finding import refuse
from monitor.persons import person as as_compared

LEAST, MOST = 10, 200
"""Characters of a password that a person chooses."""
THREADS = 1
"""At most so many passwords are worked on at a time: each takes 64 MiB and a core for some 50 ms."""
_OFTEN = frozenset({"1234567890", "0123456789", "password123", "qwertyuiop", "admin12345", "1q2w3e4r5t", "camsla1234"})


class Passwords:
    """Hashes and verifies. The parameters are argon2-cffi's own (RFC 9106, low memory); an older hash is made anew."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads: Executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="passwords")
        self._nobody = ""

    def close(self) -> None:
        """End the thread."""
        self._threads.shutdown(cancel_futures=True)

    def hash_now(self, password: str) -> str:
        """Return the hash of a password; blocks for some 50 ms."""
        return self._hasher.hash(_plain(password))

    async def hash(self, password: str) -> str:
        """Return the hash of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.hash_now, password)

    async def verify(self, known: str, password: str) -> bool:
        """Tell whether a password is that of a hash. Without a hash it takes as long, and is not."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, known, password)

    def outdated(self, known: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(known)

    def _verify(self, known: str, password: str) -> bool:
        if not known and not self._nobody:
            self._nobody = self._hasher.hash("nobody's")
        try:
            self._hasher.verify(known or self._nobody, _plain(password))
            return bool(known)
        except (VerificationError, InvalidHashError):
            return False


def good(password: str, name: str, column: str = "password") -> str:
    """Return a password that may be chosen. InputError for too short, too long, the account's own name, or a common one."""
    plain = _plain(password)
    remedy = f"{LEAST}–{MOST} 个字符，避开账号名与常见密码 characters; not the account's name, not a common one"
    if not LEAST <= len(plain) <= MOST:
        raise refuse(
            f"密码长度须为 {LEAST}–{MOST} 个字符 a password has {LEAST}–{MOST} characters", remedy, column=column
        )
    folded = as_compared(plain)
    if folded in _OFTEN or len(set(folded)) < 4 or (name and as_compared(name) in folded and len(folded) < LEAST + 6):
        raise refuse("密码太容易猜到 the password is too easy to guess", remedy, column=column)
    return password


def _plain(password: str) -> str:
    """Return a password as it is hashed: without blanks around it, which pages take away and programs may not."""
    return unicodedata.normalize("NFC", password.strip())[: MOST * 4]
