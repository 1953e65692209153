"""Every URI that goes on the wire, in one table, so that a province can swap its canonical.

Two Vietnamese guides exist and use the same package name with different canonicals: the community's
VN Core and the ministry's draft. One table is chosen per server, never both. Where neither guide
has a confirmed URI, the table uses a name of this project under :data:`OWN`; those are names only,
nothing is ever fetched from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OWN: Final = "https://station-emr.example/fhir"

ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
UCUM: Final = "http://unitsofmeasure.org"
TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
IDENTIFIER_TYPE: Final = f"{TERMINOLOGY}/v2-0203"
NATIONALITY: Final = "http://hl7.org/fhir/StructureDefinition/patient-nationality"


def own_extension(name: str) -> str:
    """An extension of this project, for what no guide has a place for."""
    return f"{OWN}/StructureDefinition/{name}"


def own_system(name: str) -> str:
    """A code list of this project, or a national list that has no confirmed URI yet."""
    return f"{OWN}/CodeSystem/{name}"


def own_identifier(name: str) -> str:
    """An identifier system of this project."""
    return f"{OWN}/sid/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UriTable:
    """The URIs one target wants. Identifier systems first, then extensions, then code lists."""

    record: str = own_identifier("uuid")
    national_id: str
    old_national_id: str
    insurance_number: str
    facility_code: str
    demo_facility_code: str = own_identifier("demo-facility-code")
    licence: str
    chart_number: str = own_identifier("chart-number")
    encounter_number: str = own_identifier("encounter-number")
    prescription_code: str = own_identifier("prescription-code")
    referral_number: str = own_identifier("referral-number")
    appointment_number: str = own_identifier("appointment-number")

    ethnicity: str
    occupation: str
    province: str = own_extension("province")
    commune: str = own_extension("commune")
    initial_facility: str = own_extension("initial-facility")
    visit_type: str = own_extension("visit-type")
    treatment_outcome: str = own_extension("treatment-outcome")
    facility_level: str = own_extension("facility-level")

    ethnicity_codes: str = own_system("ethnic-group")
    occupation_codes: str = own_system("occupation")
    nationality_codes: str = own_system("nationality")
    province_codes: str = own_system("province")
    commune_codes: str = own_system("commune")
    drug_codes: str = own_system("drug")
    bhyt_drug_codes: str = own_system("bhyt-active-ingredient")
    route_codes: str = own_system("route")
    procedure_codes: str = own_system("procedure")
    care_kind_codes: str = own_system("care-kind")
    visit_object_codes: str = own_system("visit-object")
    treatment_result_codes: str = own_system("treatment-result")
    discharge_codes: str = own_system("discharge-kind")
    referral_reason_codes: str = own_system("referral-reason")
    role_codes: str = own_system("staff-role")


_VN = "http://fhir.hl7.org.vn/core"

VN_CORE: Final = UriTable(
    national_id=f"{_VN}/sid/cccd",
    old_national_id=f"{_VN}/sid/cmnd",
    insurance_number=f"{_VN}/sid/bhyt",
    facility_code=f"{_VN}/sid/ma-cskcb",
    licence=own_identifier("practising-licence"),  # the guide's name for it is not confirmed
    ethnicity=f"{_VN}/StructureDefinition/vn-ext-ethnicity",
    occupation=f"{_VN}/StructureDefinition/vn-ext-occupation",
    province=f"{_VN}/StructureDefinition/vn-ext-province",
    commune=f"{_VN}/StructureDefinition/vn-ext-ward",
    initial_facility=f"{_VN}/StructureDefinition/vn-ext-primary-care-facility",
    visit_type=f"{_VN}/StructureDefinition/vn-ext-insurance-visit-type",
    treatment_outcome=f"{_VN}/StructureDefinition/vn-ext-treatment-outcome",
    facility_level=f"{_VN}/StructureDefinition/vn-ext-facility-care-level",
)

_MOH = "http://fhir.ehealth.gov.vn/core"

# The ministry's draft of 2021 knows only the old three-level addresses and no insurance extensions.
# Its "race" is the ethnic group, and a modifier: a reader that does not know it must stop.
MOH_DRAFT: Final = UriTable(
    national_id=f"{_MOH}/sid/national_id",
    old_national_id=f"{_MOH}/sid/citizen_id",
    insurance_number=f"{_MOH}/sid/insurance_number",
    facility_code=f"{_MOH}/sid/provider-code",
    licence=own_identifier("practising-licence"),
    chart_number=f"{_MOH}/sid/patient-internal-id",
    encounter_number=f"{_MOH}/sid/VisitNumber",
    ethnicity=own_extension("ethnic-group"),
    occupation=f"{_MOH}/StructureDefinition/extension-occupation",
)

TABLES: Final = {"vn-core": VN_CORE, "moh-draft": MOH_DRAFT}
