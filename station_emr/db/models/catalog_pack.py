from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class CatalogPackRow(Base):
    """A version of a list as the province signed it. ``received`` is what has come of ``total``
    bytes; ``base`` the version that it says the difference to, 0 when it is whole. ``content`` is
    kept packed while a later version may be told as a difference to it.
    """

    __tablename__ = "catalog_pack"
    __table_args__ = (STRICT,)

    kind: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str]
    effective: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    row_count: Mapped[int]
    source: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default=text("''"))
    base: Mapped[int] = mapped_column(server_default=text("0"))
    tag: Mapped[str] = mapped_column(server_default=text("''"))
    received: Mapped[bytes | None]
    content: Mapped[bytes | None]
