from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class CatalogEntry(Base):
    """A row of a code list with the days it is in force; closed rows stay for old records."""

    __tablename__ = "catalog_row"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[str] = mapped_column(primary_key=True)
    valid_to: Mapped[str | None]
    name: Mapped[str]
    folded: Mapped[str]
    attributes: Mapped[str]  # JSON object
    source: Mapped[str]
    list_version: Mapped[int]


class CatalogList(Base):
    """The version of each list and where it came from."""

    __tablename__ = "catalog_list"
    __table_args__ = {**STRICT, "sqlite_with_rowid": False}  # noqa: RUF012  # read by SQLAlchemy

    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    source: Mapped[str]
    loaded_utc: Mapped[str]
    loaded_offset: Mapped[int]
