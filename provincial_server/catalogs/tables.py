"""Catalog packs and announcements, each signed by the province and never changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from provincial_server.store import Base, append_only


class CatalogPack(Base):
    """One version of a list. `manifest` is the very text that was signed; `content` is the list in
    lines (docs/catalogs.md), packed with zstd."""

    __tablename__ = "catalog_pack"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(40))
    effective: Mapped[str] = mapped_column(String(10))
    sha256: Mapped[str] = mapped_column(String(64))
    manifest: Mapped[str] = mapped_column(Text)
    signature: Mapped[bytes] = mapped_column(LargeBinary(96))
    published_at: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ProgramNotice(Base):
    """A new program that stations should get; the newest number is the one that counts."""

    __tablename__ = "program_notice"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    manifest: Mapped[str] = mapped_column(Text)
    signature: Mapped[bytes] = mapped_column(LargeBinary(96))
    announced_at: Mapped[int] = mapped_column(BigInteger)


append_only(CatalogPack)
append_only(ProgramNotice)
