"""The shape every table shares: strict types, text for time, a head row per record."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from sqlalchemy import Integer, LargeBinary, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

STRICT: dict[str, Any] = {"sqlite_strict": True}


class Base(DeclarativeBase):
    """STRICT tables; dates are ISO text, moments are UTC text plus the offset in minutes of the
    clock that wrote them, structured content is JSON text. Only packed lines and files are bytes.
    """

    type_annotation_map: ClassVar[dict[Any, Any]] = {int: Integer, str: Text, bytes: LargeBinary}


class Head(Base):
    """Where a record stands now. Signed content lives in ``record_version`` and only there."""

    __abstract__ = True

    row_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    id: Mapped[str] = mapped_column(unique=True, sort_order=-9)
    version: Mapped[int] = mapped_column(sort_order=-8)
    status: Mapped[str] = mapped_column(sort_order=-7)
    saved_utc: Mapped[str] = mapped_column(sort_order=-6)
    saved_offset: Mapped[int] = mapped_column(sort_order=-5)
    # JSON of a record that was never signed; last, so that its length never slows the columns.
    draft: Mapped[str | None] = mapped_column(sort_order=10)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (*cls.indexes(), STRICT)

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        """Indexes and constraints of the table."""
        return ()


def table_of(model: type[Base]) -> Table:
    """The table itself. Statements over it, built once and given values by name, cost a tenth of
    those built anew from the model.
    """
    return cast("Table", model.__table__)
