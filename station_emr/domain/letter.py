"""The essential content of a referral letter, as its QR code carries it to another hospital.

The code is read where there is no network, perhaps by another program, so it stays small: what
a receiving doctor needs before the paper is read, and what ties the code to this paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from station_emr.domain.birth import BirthDate
from station_emr.domain.referral import Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterContent:
    """What the signature covers. Times are aware; ``birth`` is as exact as it is known.

    ``shortened`` says that a text was cut to fit the code; the cut text ends with an ellipsis and
    the paper has the whole of it. Names of people, numbers and codes are never cut.
    """

    letter_number: str
    from_code: str
    from_name: str
    to_name: str
    patient_name: str
    birth: BirthDate
    sex: str  # male, female or unknown
    issued_at: datetime
    main_diagnosis: str  # ICD-10 code
    prescriber_name: str
    prescriber_licence: str
    to_code: str = ""
    national_id: str = ""
    insurance_number: str = ""
    other_diagnoses: tuple[str, ...] = ()
    diagnosis_text: str = ""
    allergies: str = ""
    treatment: str = ""
    signs: str = ""  # vital and clinical signs
    reason: str = ""  # MA_LYDO_CT of insurance table 13: 1, 2 or 3
    one_year: bool = False
    emergency: bool = False
    shortened: bool = False

    def __post_init__(self) -> None:
        if self.issued_at.tzinfo is None:
            raise ValueError("the time of issue needs its offset")


def content_of(referral: Referral) -> LetterContent:
    """The essential content of a letter ready to be signed.

    Raises ValueError when a snapshot is missing: only a letter being signed has all three.
    """
    station, patient, signer = referral.station, referral.patient, referral.signature
    if station is None or patient is None or signer is None:
        raise ValueError("a letter gets its code when it is signed")
    main = referral.main_diagnosis
    return LetterContent(
        letter_number=referral.number,
        from_code=station.code,
        from_name=station.name,
        to_code=referral.to_facility_code,
        to_name=referral.to_facility_name,
        patient_name=patient.full_name,
        birth=patient.birth,
        sex=patient.sex.value,
        national_id=patient.national_id,
        insurance_number=patient.coverage.number if patient.coverage is not None else "",
        issued_at=signer.at,
        main_diagnosis=main.icd_code if main is not None else "",
        other_diagnoses=tuple(diagnosis.icd_code for diagnosis in referral.diagnoses[1:]),
        diagnosis_text=main.note or main.title if main is not None else "",
        allergies=", ".join(patient.allergies),
        treatment=referral.treatment,
        signs=referral.clinical_signs,
        reason=referral.reason.value if referral.reason is not None else "",
        prescriber_name=signer.by.printed_name,
        prescriber_licence=signer.by.licence_no,
        one_year=referral.one_year,
        emergency=referral.emergency,
    )
