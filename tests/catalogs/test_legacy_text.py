"""Columns in an old Vietnamese font are rewritten, and nothing else is."""

from __future__ import annotations

from station_emr.catalogs.legacy_text import repair_columns


def test_unicode_and_foreign_columns_are_never_rewritten() -> None:
    table = [
        ["Công ty cổ phần Dược Mẫu", "Laboratórios Mostra", "Société Exemple de Genève"],
        ["Xí nghiệp Dược phẩm", "Química Española, Compañía", "Händler für Größe Österreich"],
    ]

    assert repair_columns(table) == table


def test_a_short_column_takes_the_verdict_of_its_table() -> None:
    table = [["Viªn", "BÖnh t¨ng huyÕt m¹n tÝnh v« c¨n"], ["Gãi", "Viªm häng cÊp tÝnh"]]

    assert repair_columns(table) == [
        ["Viên", "Bệnh tăng huyết mạn tính vô căn"],
        ["Gói", "Viêm họng cấp tính"],
    ]
