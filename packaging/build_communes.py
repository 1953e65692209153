"""Write province.csv, commune.csv and commune_map.csv from the package ``vietnamadminunits``.

Run by hand when a new version of the package is pinned:
``python packaging/build_communes.py``. The output is committed, so neither the program nor its
installer needs the package. Data: MIT licence, its text is copied beside the lists.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "vietnamadminunits"
TARGET = Path(__file__).resolve().parent.parent / "resources" / "catalogs"
SOURCE = "vietnamadminunits 1.0.4 (MIT)"
HEADER = ("code", "name", "valid_from", "valid_to", "source")
IN_FORCE = "2025-07-01"  # QĐ 19/2025/QĐ-TTg: two levels of government from this day

# Five island districts had no commune; each became one special zone (đặc khu) as a whole.
ISLANDS = {
    "Huyện Bạch Long Vĩ": "11948",
    "Huyện Cồn Cỏ": "19742",
    "Huyện Hoàng Sa": "20333",
    "Huyện Lý Sơn": "21548",
    "Huyện Côn Đảo": "26732",
}

Record = dict[str, str]


def data_dir() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        sys.exit(f"{PACKAGE} is not installed: pip install -e .[dev]")
    return Path(spec.origin).parent / "data"


def rows(connection: sqlite3.Connection, query: str) -> list[Record]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [{n: str(v or "") for n, v in zip(names, row, strict=True)} for row in cursor]


def write(name: str, extra: Sequence[str], lines: Iterable[Sequence[str]]) -> int:
    count = 0
    with (TARGET / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*HEADER, *extra])
        for line in lines:
            writer.writerow(line)
            count += 1
    return count


def mapping(converter: dict[str, dict[str, dict[str, list[object]]]]) -> dict[str, list[Record]]:
    """Old commune key (province_district_ward) -> its new communes, the usual one first."""
    answer: dict[str, list[Record]] = {}
    for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for new, olds in wards.items():
            for old in olds:
                answer.setdefault(str(old), []).append(
                    {"province": province, "ward": new, "part": "whole"}
                )
    for province, divided in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, parts in divided.items():
            found: list[Record] = []
            for part in parts:
                assert isinstance(part, dict)
                usual = bool(part["isDefaultNewWard"])
                found.append(
                    {
                        "province": province,
                        "ward": str(part["newWardKey"]),
                        "part": "usual" if usual else "part",
                    }
                )
            answer.setdefault(old, []).extend(
                sorted(found, key=lambda item: item["part"] != "usual")
            )
    return answer


def main() -> None:
    folder = data_dir()
    with closing(sqlite3.connect(f"file:{folder / 'dataset.db'}?mode=ro", uri=True)) as connection:
        new = rows(connection, "SELECT * FROM admin_units ORDER BY wardCode")
        old = rows(connection, "SELECT * FROM admin_units_legacy ORDER BY wardCode")
    converter = json.loads((folder / "converter_2025.json").read_text(encoding="utf-8"))

    provinces = {unit["provinceCode"]: unit["province"] for unit in new}
    count = write(
        "province",
        (),
        ((code, name, IN_FORCE, "", SOURCE) for code, name in sorted(provinces.items())),
    )
    print(f"province: {count}")

    count = write(
        "commune",
        ("kind", "province", "province_name"),
        (
            (
                unit["wardCode"],
                unit["ward"],
                IN_FORCE,
                "",
                SOURCE,
                unit["wardType"],
                unit["provinceCode"],
                unit["province"],
            )
            for unit in new
        ),
    )
    print(f"commune: {count}")

    by_key = {(unit["provinceKey"], unit["wardKey"]): unit for unit in new}
    by_code = {unit["wardCode"]: unit for unit in new}
    targets = mapping(converter)
    lines: list[tuple[str, ...]] = []
    lost: list[str] = []
    for unit in old:
        keys = [unit["provinceKey"], unit["districtKey"], unit["wardKey"]]
        found = targets.get("_".join(key for key in keys if key), [])
        island = ISLANDS.get(unit["district"], "") if not unit["wardCode"] else ""
        arrivals = [(by_key[item["province"], item["ward"]], item["part"]) for item in found]
        if not arrivals and island:
            arrivals = [(by_code[island], "whole")]
        if not arrivals:
            lost.append("_".join(keys))
        for place, part in arrivals:
            lines.append(
                (
                    f"{unit['wardCode'] or 'H' + unit['districtCode']}>{place['wardCode']}",
                    unit["ward"] or unit["district"],
                    IN_FORCE,
                    "",
                    SOURCE,
                    unit["wardCode"],
                    unit["district"],
                    unit["province"],
                    place["wardCode"],
                    place["ward"],
                    place["provinceCode"],
                    part,
                )
            )
    extra = (
        "old_code",
        "old_district",
        "old_province",
        "new_code",
        "new_name",
        "new_province",
        "part",
    )
    print(
        f"commune_map: {write('commune_map', extra, lines)}; without a new commune: {len(lost)} {lost[:20]}"
    )

    licence = next(
        path
        for path in distribution(PACKAGE).files or ()
        if path.name.upper().startswith("LICENSE")
    )
    shutil.copyfile(str(licence.locate()), TARGET / "LICENSE.vietnamadminunits")


if __name__ == "__main__":
    main()
