"""The rules of the station's own profile, which stands at the head of every paper."""

from __future__ import annotations

from collections.abc import Collection

from station_emr.domain.errors import Problem
from station_emr.domain.record import StationProfile


def check_station(profile: StationProfile) -> tuple[Problem, ...]:
    """The letterhead needs a name, its authority, a facility code and a number series."""
    problems: list[Problem] = []
    for field, message in (
        ("name", "Chưa có tên trạm y tế."),
        ("parent_authority", "Chưa có cơ quan chủ quản (ví dụ: UBND xã …)."),
        ("code", "Chưa có mã cơ sở khám bệnh, chữa bệnh. Hãy lấy mã trong quyết định của trạm."),
    ):
        if not str(getattr(profile, field)).strip():
            problems.append(Problem(field=field, code=f"{field}-required", message=message))
    if profile.code.strip() and not (
        profile.code.isascii() and len(profile.code) == 5 and profile.code.isalnum()
    ):
        problems.append(
            Problem(
                field="code",
                code="code-form",
                message="Mã cơ sở khám bệnh, chữa bệnh có đúng 5 ký tự chữ hoặc số.",
            )
        )
    if not (
        profile.series.isascii() and profile.series.isalnum() and 1 <= len(profile.series) <= 3
    ):
        problems.append(
            Problem(
                field="series",
                code="series-form",
                message="Ký hiệu máy gồm 1 đến 3 chữ hoặc số, khác với các máy khác của trạm.",
            )
        )
    return tuple(problems)


def check_series(series: str, closed: Collection[str]) -> tuple[Problem, ...]:
    """Not one that was in use before this machine was restored."""
    if series.upper() not in {one.upper() for one in closed}:
        return ()
    return (
        Problem(
            field="series",
            code="series-closed",
            message=f"Ký hiệu “{series}” đã dùng trước khi máy được khôi phục: dùng lại có thể in trùng số. Hãy chọn ký hiệu khác.",
        ),
    )
