"""A station with a signing key in a file, and the authority behind its certificate."""

from __future__ import annotations

from pathlib import Path

from station_emr.domain.record import RecordKind
from station_emr.domain.signature import KeySource, KeySourceKind, SignatureState
from station_emr.services.secret import Secret
from tests.signing_authority import PASSWORD, Authority, rsa_key

from .visit_samples import referral, sign, visit

LETTER = RecordKind.REFERRAL


class Desk:
    """A station with a key in a file, and its authority."""

    def __init__(self, station, folder: Path) -> None:
        self.station = station
        self.folder = folder
        self.authority = Authority(station.clock.now())
        self.signing = station.services.signing
        self.signatures = station.services.signatures

    def use_file(self, **changes: object) -> None:
        certificate = self.authority.issue(rsa_key("doctor"), **changes)
        self.certificate = certificate
        path = self.authority.file(self.folder / "khoa.p12", rsa_key("doctor"), certificate)
        self.use(KeySource(kind=KeySourceKind.FILE, path=str(path)))

    def use(self, source: KeySource) -> None:
        self.signing.save_source(self.station.director, source)

    def letter(self) -> str:
        patient = self.station.register()
        encounter = visit(self.station, patient)
        sign(self.station, encounter, referral=referral(self.station, encounter))
        with self.station.store.read() as work:
            return work.referrals.of_encounter(encounter.id).record.id

    def batch(self, secret: str = PASSWORD, **options: object):
        return self.signing.batch(self.station.doctor, Secret(secret), **options)

    def of(self, letter: str):
        return self.signatures.of(self.station.doctor, LETTER, letter)

    def state(self, letter: str) -> SignatureState:
        (view,) = self.of(letter).signatures
        return view.state
