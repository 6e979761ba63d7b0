"""What goes wrong in a request on purpose: raised by handlers and views, turned into a page or a problem by the guard."""

from __future__ import annotations

from console.web.access import Roles


class MissingError(Exception):
    """There is no such object, or not for this person."""


class ForbiddenError(Exception):
    """The person's roles do not allow it; `allow` are those that would."""

    def __init__(self, allow: Roles) -> None:
        super().__init__(", ".join(sorted(allow)))
        self.allow = allow


class ConflictError(Exception):
    """Somebody else was faster, or the same key was used for another request; the text says which."""


class GoneError(Exception):
    """A link whose time is over."""


class TooManyError(Exception):
    """Too many attempts; `wait_s` is when to try again."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(str(wait_s))
        self.wait_s = wait_s
