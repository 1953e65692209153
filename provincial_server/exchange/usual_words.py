"""The extensions and code systems that stations of this program usually send.

The fast judge reads these by name, without looking for a pattern in each address. A word that is
missing here is no fault: the line is judged slowly, with the same outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_OWN = "https://station-emr.example/fhir"
_VN_CORE = "http://fhir.hl7.org.vn/core"
_MINISTRY = "http://fhir.ehealth.gov.vn/core"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

_PARTS = {
    "extension": "coverage patient prior_care signature station by practitioner prescriber referrer",
    "valueBoolean": "abnormal card_unlimited demo has_beds one_year toxic",
    # A choice or a list that was emptied says so in a code.
    "valueCode": "by control practitioner prescriber referrer sex written_at allergies card_extra"
    " confirmed daytimes device_name groups ingredients level method role series site unit",
    "valueDate": "admitted_on birth discharged_on end five_year_on follow_up_on"
    " national_id_issued_on start valid_from valid_to visited_on",
    "valueDateTime": "at procedures_end procedures_start",
    "valueDecimal": "quantity",
    "valueInteger": "kept place",
    "valueString": "address advice blood_type chart_number clinical_signs code commune_code"
    " commune_name condition_on_transfer coverage_number escort ethnic_name examination facility"
    " facility_id form full_name group guardian_name guardian_relationship history ingredient"
    " initial_facility initial_facility_name inn instruction licence_no living_area name national_id"
    " nationality_name note number occupation_name override_reason parent_authority past_history"
    " patient_id phone plan procedures province_code province_name reason record_number"
    " register_number replaces_code result strength test_results title to_facility_level transport"
    " treatment user_id weight_kg workplace"
    " allergies card_extra confirmed daytimes device_name groups ingredients level method role"
    " series site unit",
}
_OWN_EXTENSIONS = {
    "extension": "allergy-details appointment-slip as-signed coverage-details diagnosis"
    " facility-details link-details patient-details prescription-details prescription-line"
    " procedure-details referral-letter visit-details vitals-without-signs",
    "valueBoolean": "active-before-voiding unnamed-guardian",
    "valueCodeableConcept": "ethnic-group facility-level referral-reason treatment-outcome visit-type",
    "valueCoding": "commune province",
    "valueIdentifier": "guardian-national-id",
    "valueReference": "initial-facility",
}
_GUIDES = {
    "valueCodeableConcept": (
        f"{_VN_CORE}/StructureDefinition/vn-ext-ethnicity",
        f"{_VN_CORE}/StructureDefinition/vn-ext-facility-care-level",
        f"{_VN_CORE}/StructureDefinition/vn-ext-insurance-visit-type",
        f"{_VN_CORE}/StructureDefinition/vn-ext-occupation",
        f"{_VN_CORE}/StructureDefinition/vn-ext-treatment-outcome",
        f"{_MINISTRY}/StructureDefinition/extension-occupation",
        "code",
    ),
    "valueCoding": (
        f"{_VN_CORE}/StructureDefinition/vn-ext-province",
        f"{_VN_CORE}/StructureDefinition/vn-ext-ward",
    ),
    "valueReference": (f"{_VN_CORE}/StructureDefinition/vn-ext-primary-care-facility",),
    "extension": ("http://hl7.org/fhir/StructureDefinition/patient-nationality",),
}


_CLOSED = {
    f"{_TERMINOLOGY}/allergyintolerance-clinical": "active",
    f"{_TERMINOLOGY}/allergyintolerance-verification": "confirmed entered-in-error",
    f"{_TERMINOLOGY}/condition-category": "problem-list-item encounter-diagnosis",
    f"{_TERMINOLOGY}/condition-clinical": "active",
    f"{_TERMINOLOGY}/condition-ver-status": "confirmed entered-in-error",
    f"{_TERMINOLOGY}/data-absent-reason": "unknown",
    f"{_TERMINOLOGY}/observation-category": "vital-signs laboratory",
    f"{_TERMINOLOGY}/v2-0203": "MR NI SB VN PLAC MD PRN",
    f"{_TERMINOLOGY}/v3-ActCode": "AMB",
    f"{_TERMINOLOGY}/v3-ActPriority": "R UR EM",
    f"{_TERMINOLOGY}/v3-ObservationInterpretation": "A",
    "http://hl7.org/fhir/CodeSystem/task-code": "fulfill",
    "http://loinc.org": "85354-9 8480-6 8462-4 8310-5 9279-1 8302-2 8280-0 2708-6 29463-7 8867-4"
    " 14743-9 57133-1",
}
_OWN_SYSTEMS = (
    "bhyt-active-ingredient care-kind commune discharge-kind drug ethnic-group nationality"
    " occupation procedure province referral-reason route staff-role treatment-result visit-object"
)


def _extensions() -> Iterator[tuple[str, str]]:
    for value, names in _PARTS.items():
        yield from ((name, value) for name in names.split())
    for value, names in _OWN_EXTENSIONS.items():
        yield from ((f"{_OWN}/StructureDefinition/{name}", value) for name in names.split())
    for value, urls in _GUIDES.items():
        yield from ((url, value) for url in urls)


def _by_address() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for url, value in _extensions():
        found[url] = (*found.get(url, ()), value)
    return found


EXTENSIONS: Mapping[str, tuple[str, ...]] = _by_address()
"""Address of an extension → the elements of which it has one beside."""

SYSTEMS: Mapping[str, tuple[str, ...]] = {
    **{system: tuple(codes.split()) for system, codes in _CLOSED.items()},
    "http://hl7.org/fhir/sid/icd-10": (),
    "http://snomed.info/sct": (),
    **{f"{_OWN}/CodeSystem/{name}": () for name in _OWN_SYSTEMS.split()},
}
"""Code system → the codes of it that stations send, or none where they are many."""
