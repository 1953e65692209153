"""A day's sixty encounters as files of the insurance: made, checked, held against the schemas, signed, written.

The station is a real one on an encrypted database: each person has a card, a prescription, a rapid test
and a closed bill. The key is an RSA key of 2048 bits in a PKCS#12 file, as an issuer hands it out; every
file is signed by itself (XMLDSig) and flushed to the disk. ``seconds`` is from the click to the last file.
``made_seconds`` is the same without signing and writing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from benchmarks.machine import median, report
from station_emr.cli.claims import write_whole
from station_emr.demo.people import People
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Procedure
from station_emr.domain.patient import Address, Coverage
from station_emr.domain.prescription import line_from_drug
from station_emr.domain.record import RecordKind
from station_emr.domain.signature import KeySource, KeySourceKind
from station_emr.domain.vitals import VitalSigns
from station_emr.interop.bhyt.reader import read_claims
from station_emr.services.claim_settings import KEY
from station_emr.services.clock import SystemClock
from station_emr.services.guards import confirmation_key
from station_emr.services.secret import Secret
from station_emr.services.visits import VisitPapers
from station_emr.station import OpenStation, create_station, open_station

PASSWORD = "Tram-Mau-2026!"  # of a made-up station
PIN = "mat khau cua tep"
SIGNS = VitalSigns(
    pulse=80, systolic=130, diastolic=80, temperature=Decimal("36.8"), weight=Decimal("58.5")
)
COLD = Diagnosis(icd_code="J06.9", title="Nhiễm khuẩn hô hấp trên cấp", role=DiagnosisRole.MAIN)


def key_file(folder: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Trạm Y tế xã Mẫu")])
    start = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - timedelta(days=1))
        .not_valid_after(start + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    path = folder / "khoa.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"khoa", key, certificate, None, serialization.BestAvailableEncryption(PIN.encode())
        )
    )
    return path


def furnished(folder: Path) -> OpenStation:
    director = demo_people()[0].user
    create_station(folder, demo_profile(""), director, PASSWORD)
    station = open_station(folder, director.username, PASSWORD)
    with station.store.write() as work:
        work.settings.put(KEY, '{"department": "K01", "head_code": "000001/MAU-GPHN"}')
    path = key_file(folder)
    source = KeySource(kind=KeySourceKind.FILE, path=str(path))
    station.services.signing.save_source(station.actor, source)
    return station


def see(station: OpenStation, place: int, crowd: People) -> str:
    """One person from the door to the closed bill; the visit's id."""
    services, actor = station.services, station.actor
    today = services.clock.now().date()
    card = Coverage(
        number=f"DN45200000{place:05d}",
        valid_from=date(today.year, 1, 1),
        valid_to=date(today.year, 12, 31),
        initial_facility="52000",
    )
    home = Address(
        line="Làng Mẫu",
        commune_code="21583",
        commune_name="Xã Mẫu",
        province_code="52",
        province_name="Tỉnh Gia Lai",
    )
    person = replace(crowd.next(), coverages=(card,), address=home)
    yes = [confirmation_key(found) for found in services.patients.check(person)]
    made = services.patients.register(actor, person, [*yes, "national_id:duplicate"])
    patient_id = made.items[0].record_id
    came = services.encounters.check_in(actor, patient_id, "Ho, sốt hai ngày")
    visit_id = came.id_of(RecordKind.ENCOUNTER)
    sure = [f"vitals.{name}:unusual" for name in ("pulse", "temperature", "weight")]
    services.encounters.record_vitals(actor, visit_id, SIGNS, sure)
    services.encounters.start(actor, visit_id)
    now = services.clock.now()
    visit = replace(
        services.encounters.get(actor, visit_id).record,
        diagnoses=(COLD,),
        result="2",
        treatment="Điều trị nội khoa",
        procedures=(
            Procedure(
                code="glucose-mao-mach",
                name="Đường huyết mao mạch",
                is_test=True,
                result="5,6",
                ordered_at=now,
                started_at=now,
                ended_at=now,
                performer_licence="000002/MAU-GPHN",
            ),
        ),
    )
    services.encounters.save_draft(actor, visit)
    drug = drug_of(services.catalogs.search(CatalogKind.DRUG, "paracetamol 500", 1)[0].row)
    paper = services.prescriptions.prepare(actor, visit_id)
    paper = replace(paper, lines=(replace(line_from_drug(drug), days=3),))
    services.visits.sign(actor, VisitPapers(encounter=visit, prescription=paper))
    services.billing.sign(actor, services.billing.prepare(actor, visit_id))
    return visit_id


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        station = furnished(folder / "tram")
        crowd = People(7, station.services.clock.now().date())
        visits = [see(station, place, crowd) for place in range(options.visits)]
        claims, actor = station.services.claims, station.actor
        spent, made = [], []
        size = tables = 0
        for number in range(options.rounds + 1):  # the first one warms up
            start = time.perf_counter()
            unsigned = claims.export(actor, visits)
            made.append(time.perf_counter() - start)
            start = time.perf_counter()
            done = claims.export(actor, visits, Secret(PIN))
            for file in done.files:
                write_whole(folder / f"ra-{number}", file)
            spent.append(time.perf_counter() - start)
            if done.held_back or len(unsigned.files) != len(visits):
                held = [found.message for one in done.held_back for found in one.findings]
                raise SystemExit(f"held back: {held}")
            size = sum(len(file.content) for file in done.files)
            tables = sum(
                len(claim.tables)
                for file in done.files
                for claim in read_claims(file.content).claims
            )
        station.close()
    report(
        "claims",
        seconds=round(median(spent[1:]), 3),
        slowest_seconds=round(max(spent[1:]), 3),
        made_seconds=round(median(made[1:]), 3),
        visits=len(visits),
        tables=tables,
        kilobytes=round(size / 1024),
    )


if __name__ == "__main__":
    main()
