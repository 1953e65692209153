"""One rich synthetic resource of every type that the server stores."""

from __future__ import annotations

from typing import Any

from tests.server.samples import encounter, observation, patient

CODE = {"coding": [{"system": "http://example.org/codes", "code": "x"}], "text": "Mẫu"}
WHO = {"reference": "Patient/p1"}
VISIT = {"reference": "Encounter/e1"}
DOCTOR = {
    "identifier": {"system": "http://example.org/sid/gphn", "value": "MAU-1"},
    "display": "Bác sĩ Mẫu",
}
STATION = {"reference": "Organization/org1", "display": "Trạm y tế mẫu"}
NOW = "2026-11-20T08:05:00+07:00"
CLINICAL = "http://terminology.hl7.org/CodeSystem/"

RICH: list[dict[str, Any]] = [
    patient("p1", cccd="064099100001")
    | {
        "meta": {"profile": ["http://example.org/StructureDefinition/patient"]},
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Người bệnh mẫu</p></div>',
        },
        "extension": [
            {"url": "http://example.org/ethnicity", "valueCodeableConcept": CODE},
            {
                "url": "http://example.org/nested",
                "extension": [{"url": "ward", "valueCoding": {"code": "1"}}],
            },
        ],
        "telecom": [{"system": "phone", "value": "0900000000", "use": "mobile"}],
        "address": [{"use": "home", "text": "Làng Mẫu", "line": ["Thôn 1"], "country": "VN"}],
        "contact": [
            {"relationship": [CODE], "name": {"text": "Người giám hộ mẫu"}, "gender": "male"}
        ],
        "_birthDate": {
            "extension": [{"url": "http://example.org/estimated", "valueBoolean": True}]
        },
        "deceasedBoolean": False,
        "multipleBirthInteger": 2,
        "managingOrganization": STATION,
        "contained": [{"resourceType": "Practitioner", "id": "gp"}],
        "generalPractitioner": [{"reference": "#gp"}],
    },
    encounter("e1", "p1")
    | {
        "identifier": [{"system": "http://example.org/sid/ma-lk", "value": "MAU-0001"}],
        "statusHistory": [{"status": "arrived", "period": {"start": NOW}}],
        "participant": [{"individual": DOCTOR}],
        "reasonCode": [{"text": "Sốt"}],
        "diagnosis": [{"condition": {"reference": "Condition/c1"}, "rank": 1}],
        "serviceProvider": STATION,
        "length": {
            "value": 20,
            "unit": "min",
            "system": "http://unitsofmeasure.org",
            "code": "min",
        },
    },
    observation("o1", "p1", "e1")
    | {
        "component": [
            {"code": CODE, "valueQuantity": {"value": 120, "unit": "mmHg"}},
            {"code": CODE, "valueString": "bình thường"},
        ],
        "referenceRange": [{"low": {"value": 36.1}, "text": "36,1 đến 37,2"}],
        "note": [{"text": "Đo ở nách", "time": NOW}],
    },
    {
        "resourceType": "Coverage",
        "id": "cov1",
        "identifier": [{"system": "http://example.org/sid/bhyt", "value": "0000000000"}],
        "status": "active",
        "beneficiary": WHO,
        "subscriberId": "0000000000",
        "payor": [{"display": "Bảo hiểm xã hội Việt Nam"}],
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "class": [{"type": CODE, "value": "1"}],
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "clinicalStatus": {
            "coding": [{"system": f"{CLINICAL}allergyintolerance-clinical", "code": "active"}]
        },
        "type": "allergy",
        "category": ["medication"],
        "criticality": "high",
        "code": CODE,
        "patient": WHO,
        "recordedDate": "2026-11",
        "reaction": [{"manifestation": [CODE], "severity": "mild"}],
    },
    {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": {
            "coding": [{"system": f"{CLINICAL}condition-clinical", "code": "active"}]
        },
        "verificationStatus": {
            "coding": [{"system": f"{CLINICAL}condition-ver-status", "code": "confirmed"}]
        },
        "category": [CODE],
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "J00"}]},
        "subject": WHO,
        "encounter": VISIT,
        "onsetString": "ba ngày nay",
        "recordedDate": NOW,
        "recorder": DOCTOR,
    },
    {
        "resourceType": "Procedure",
        "id": "pr1",
        "status": "completed",
        "code": CODE,
        "subject": WHO,
        "encounter": VISIT,
        "performedPeriod": {"start": NOW},
        "performer": [{"actor": DOCTOR}],
    },
    {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "identifier": [{"system": "http://example.org/sid/don", "value": "MAU-1-1"}],
        "groupIdentifier": {"system": "http://example.org/sid/don", "value": "MAU-1"},
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": CODE,
        "subject": WHO,
        "encounter": VISIT,
        "authoredOn": NOW,
        "requester": DOCTOR,
        "dosageInstruction": [
            {
                "sequence": 1,
                "text": "Uống sau ăn",
                "timing": {
                    "repeat": {
                        "boundsDuration": {
                            "value": 5,
                            "system": "http://unitsofmeasure.org",
                            "code": "d",
                        },
                        "frequency": 2,
                        "period": 1,
                        "periodUnit": "d",
                        "when": ["PC"],
                    }
                },
                "route": CODE,
                "doseAndRate": [{"doseQuantity": {"value": 0.5, "unit": "viên"}}],
            }
        ],
        "dispenseRequest": {
            "quantity": {"value": 10, "unit": "viên"},
            "numberOfRepeatsAllowed": 0,
        },
        "substitution": {"allowedBoolean": True},
    },
    {
        "resourceType": "MedicationRequest",
        "id": "m2",
        "status": "draft",
        "intent": "plan",
        "contained": [{"resourceType": "Medication", "id": "med", "code": CODE}],
        "medicationReference": {"reference": "#med"},
        "subject": WHO,
    },
    {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "identifier": [{"value": "0001/2026"}],
        "status": "active",
        "intent": "order",
        "category": [CODE],
        "priority": "urgent",
        "code": CODE,
        "subject": WHO,
        "encounter": VISIT,
        "occurrenceDateTime": "2026-11-21",
        "authoredOn": NOW,
        "requester": DOCTOR,
        "performer": [{"identifier": {"value": "DEMO-BV"}, "display": "Bệnh viện mẫu"}],
        "reasonReference": [{"reference": "Condition/c1"}],
        "supportingInfo": [{"reference": "Observation/o1"}],
        "patientInstruction": "Mang theo giấy tờ",
    },
    {
        "resourceType": "Task",
        "id": "t1",
        "status": "requested",
        "intent": "order",
        "basedOn": [{"reference": "ServiceRequest/s1"}],
        "focus": {"reference": "ServiceRequest/s1"},
        "for": WHO,
        "encounter": VISIT,
        "authoredOn": NOW,
        "lastModified": NOW,
        "owner": {"identifier": {"value": "DEMO-BV"}},
        "input": [{"type": CODE, "valueString": "x"}],
        "restriction": {"period": {"end": "2027-11-20"}},
    },
    {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "docStatus": "final",
        "type": CODE,
        "subject": WHO,
        "date": "2026-11-20T01:05:00.123Z",
        "content": [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "language": "vi",
                    "url": "Binary/b1",
                    "size": 3,
                    "hash": "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
                    "title": "Phiếu chuyển",
                    "creation": NOW,
                }
            }
        ],
        "context": {"encounter": [VISIT], "related": [{"reference": "ServiceRequest/s1"}]},
    },
    {"resourceType": "Binary", "id": "b1", "contentType": "application/pdf", "data": "YWJj"},
    {
        "resourceType": "Composition",
        "id": "co1",
        "identifier": {"system": "http://example.org/sid/so-phieu", "value": "1"},
        "status": "final",
        "type": CODE,
        "subject": WHO,
        "encounter": VISIT,
        "date": NOW,
        "author": [DOCTOR],
        "title": "Phiếu chuyển cơ sở khám bệnh, chữa bệnh",
        "attester": [{"mode": "legal", "time": NOW}],
        "section": [
            {
                "title": "Tóm tắt",
                "text": {
                    "status": "generated",
                    "div": '<div xmlns="http://www.w3.org/1999/xhtml">Tóm tắt</div>',
                },
                "section": [{"title": "Con", "entry": [{"reference": "Condition/c1"}]}],
            }
        ],
    },
    {
        "resourceType": "Appointment",
        "id": "ap1",
        "status": "booked",
        "start": NOW,
        "end": "2026-11-20T08:30:00+07:00",
        "minutesDuration": 25,
        "basedOn": [{"reference": "ServiceRequest/s1"}],
        "participant": [
            {"actor": STATION | {"reference": "Location/l1"}, "status": "accepted"},
            {"actor": WHO, "required": "required", "status": "accepted"},
        ],
    },
    {
        "resourceType": "Practitioner",
        "id": "dr1",
        "active": True,
        "name": [
            {"use": "official", "text": "Bác sĩ Mẫu", "family": "Mẫu", "given": ["Bác", "Sĩ"]}
        ],
        "qualification": [{"code": CODE, "identifier": [{"value": "MAU"}]}],
    },
    {
        "resourceType": "PractitionerRole",
        "id": "role1",
        "practitioner": {"reference": "Practitioner/dr1"},
        "organization": STATION,
        "code": [CODE],
        "availableTime": [{"daysOfWeek": ["mon"], "availableStartTime": "07:30:00"}],
    },
    {
        "resourceType": "Organization",
        "id": "org1",
        "active": True,
        "identifier": [{"system": "http://example.org/sid/ma-cskcb", "value": "DEMO01"}],
        "name": "Trạm y tế mẫu",
        "contact": [{"telecom": [{"system": "email", "value": "mau@example.org"}]}],
    },
    {
        "resourceType": "Location",
        "id": "l1",
        "status": "active",
        "mode": "instance",
        "name": "Phòng khám mẫu",
        "position": {"longitude": 108.00, "latitude": 13.98},
    },
    {
        "resourceType": "Linkage",
        "id": "li1",
        "active": True,
        "author": STATION,
        "item": [{"type": "source", "resource": WHO}, {"type": "alternate", "resource": WHO}],
    },
    {
        "resourceType": "Basic",
        "id": "ba1",
        "identifier": [{"value": "MAU-QUYEN-1"}],
        "extension": [{"url": "http://example.org/standing", "valueCode": "closed"}],
        "code": CODE,
        "subject": {"reference": "Practitioner/pr1"},
        "created": "2026-11-20",
        "author": STATION,
    },
    {
        "resourceType": "Consent",
        "id": "cs1",
        "status": "active",
        "scope": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                    "code": "patient-privacy",
                }
            ]
        },
        "category": [{"text": "Nhắc lịch khám"}],
        "patient": WHO,
        "dateTime": NOW,
        "policyRule": {"text": "Luật 91/2025/QH15"},
        "provision": {"type": "permit", "period": {"start": NOW}},
    },
    {
        "resourceType": "QuestionnaireResponse",
        "id": "qr1",
        "identifier": {"value": "A-0001/2026/KCB"},
        "status": "completed",
        "subject": WHO,
        "authored": NOW,
        "item": [
            {"linkId": "days", "text": "Số ngày nghỉ", "answer": [{"valueInteger": 3}]},
            {"linkId": "from", "text": "Từ ngày", "answer": [{"valueDate": "2026-08-22"}]},
        ],
    },
    {
        "resourceType": "Communication",
        "id": "cm1",
        "status": "completed",
        "category": [{"text": "Thông báo ca bệnh truyền nhiễm"}],
        "priority": "urgent",
        "subject": WHO,
        "topic": {"text": "Sởi"},
        "sent": NOW,
        "recipient": [{"display": "Cơ quan nhận báo"}],
        "reasonCode": [{"text": "Sởi"}],
    },
    {
        "resourceType": "Invoice",
        "id": "iv1",
        "identifier": [{"value": "A-0001/2026/BK"}],
        "status": "issued",
        "type": {"text": "Bảng kê chi phí khám bệnh, chữa bệnh"},
        "subject": WHO,
        "date": NOW,
        "participant": [{"actor": DOCTOR}],
        "issuer": STATION,
        "lineItem": [
            {
                "sequence": 1,
                "chargeItemCodeableConcept": {"text": "Khám bệnh"},
                "priceComponent": [
                    {
                        "type": "base",
                        "factor": 1,
                        "amount": {"value": 30000.00, "currency": "VND"},
                    }
                ],
            }
        ],
        "totalNet": {"value": 0.00, "currency": "VND"},
        "totalGross": {"value": 30000.00, "currency": "VND"},
    },
    {
        "resourceType": "Provenance",
        "id": "v1",
        "target": [{"reference": "Composition/co1"}, {"reference": "Encounter/e1/_history/1"}],
        "occurredDateTime": NOW,
        "recorded": "2026-11-20T08:05:00.5+07:00",
        "agent": [{"who": DOCTOR, "onBehalfOf": STATION}],
        "signature": [
            {
                "type": [
                    {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}
                ],
                "when": NOW,
                "who": DOCTOR,
                "sigFormat": "application/jose",
                "data": "YWJj",
            }
        ],
    },
]
