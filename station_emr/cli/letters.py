"""Read a referral letter's QR from text, a text file or a picture, and judge it offline."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image, UnidentifiedImageError

from station_emr.domain.errors import EnvironmentFailure, UserError
from station_emr.domain.os_words import os_words
from station_emr.security.letters import (
    LetterCheck,
    TrustedStation,
    VerifiedLetter,
    key_id,
    trusted_keys_from_json,
    trusted_keys_to_json,
    verify_letter,
)

_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


@dataclass(frozen=True, slots=True)
class LetterReport:
    """A verdict ready to print. Exit code 0 trusted, 1 readable but unknown station, 2 refused."""

    verdict: VerifiedLetter

    @property
    def exit_code(self) -> int:
        if self.verdict.trusted:
            return 0
        return 1 if self.verdict.check is LetterCheck.UNKNOWN_STATION else 2

    def as_json(self) -> dict[str, Any]:
        content = self.verdict.content
        return {
            "check": self.verdict.check.value,
            "message": self.verdict.message,
            "key_id": self.verdict.key_id,
            "letter": None
            if content is None
            else {**asdict(content), "birth": content.birth.to_iso()},
        }

    def text(self) -> str:
        content = self.verdict.content
        if content is None:
            return self.verdict.message
        lines = [
            self.verdict.message,
            f"Số phiếu: {content.letter_number}",
            f"Nơi chuyển: {content.from_name} ({content.from_code})",
            f"Nơi nhận: {content.to_name}",
            f"Người bệnh: {content.patient_name}, sinh {content.birth.display()}",
            f"Số định danh: {content.national_id or 'không ghi'}; thẻ BHYT: {content.insurance_number or 'không ghi'}",
            f"Chẩn đoán: {content.main_diagnosis} {content.diagnosis_text}",
            f"Dị ứng: {content.allergies or 'không ghi'}",
            f"Đã điều trị: {content.treatment or 'không ghi'}",
            f"Người ký: {content.prescriber_name}, giấy phép {content.prescriber_licence}, lúc {content.issued_at:%H:%M %d/%m/%Y}",
            f"Khóa của trạm: {self.verdict.key_id}",
        ]
        return "\n".join(lines)


def read_letter(source: str, trusted_file: Path | None) -> LetterReport:
    """Raises UserError when a named file cannot be read; any content gets a verdict."""
    trusted = {}
    if trusted_file is not None:
        try:
            trusted = trusted_keys_from_json(trusted_file.read_text(encoding="utf-8"))
        except OSError as failure:
            raise UserError(f"Không đọc được tệp {trusted_file}: {os_words(failure)}.") from failure
    return LetterReport(verify_letter(_text_of(source), trusted))


def add_trusted(file: Path, station: TrustedStation) -> int:
    """Put a station into a list of trusted keys, making the file; gives how many it holds.

    An earlier key of the same station stays, because older letters were signed with it. Raises
    UserError when the file is something else and EnvironmentFailure when it cannot be written.
    """
    try:
        known = trusted_keys_from_json(file.read_text(encoding="utf-8")) if file.exists() else {}
        known[key_id(station.public_key)] = station
        file.write_text(trusted_keys_to_json(known) + "\n", encoding="utf-8")
    except OSError as failure:
        raise EnvironmentFailure(f"Không ghi được tệp {file}: {os_words(failure)}.") from failure
    return len(known)


def _text_of(source: str) -> str:
    path = Path(source) if len(source) < 260 else None
    if path is None or not path.is_file():
        return source
    if path.suffix.lower() not in _PICTURES:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        with Image.open(path) as picture:
            found = zxingcpp.read_barcodes(picture.convert("L"))
    except (OSError, UnidentifiedImageError) as failure:
        raise UserError(f"Không đọc được ảnh {path}.") from failure
    for code in found:
        if code.text.startswith("SEMR"):
            return str(code.text)
    raise UserError(
        f"Không thấy mã QR của phiếu chuyển trong ảnh {path}. Hãy chụp lại gần và đủ sáng."
    )
