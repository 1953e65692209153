"""What may still be asked of a person whose password was right, before anything is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What was typed beside the name. ``new_password`` is chosen when the old one is refused."""

    password: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    new_password: str = field(default="", repr=False)


class SecondFactorNeeded(UserError):
    """The password was right; the code of the telephone is missing."""


class WrongCode(UserError):
    """The code is none that opens now; it was counted."""


class JoiningNeeded(UserError):
    """The account must have a second factor before it is used: the telephone is joined with
    ``squares`` (``address`` as a picture) or ``secret`` (typed), and proves it with a code.
    """

    def __init__(
        self, sentence: str, *, secret: str, address: str, squares: tuple[bytes, ...] = ()
    ) -> None:
        super().__init__(sentence)
        self.squares = squares
        self.secret = secret
        self.address = address


class NewPasswordNeeded(UserError):
    """The password opens for the last time: a new one has to be chosen now. ``shorter`` says that
    the second factor allows eight characters.
    """

    def __init__(self, sentence: str, *, shorter: bool = False) -> None:
        super().__init__(sentence)
        self.shorter = shorter
