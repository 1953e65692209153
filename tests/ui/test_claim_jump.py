"""Where a fault of a claim is mended, for those who may go there."""

from __future__ import annotations

import pytest

from station_emr.domain.claim import ClaimPlace
from station_emr.ui.models import routes
from station_emr.ui.models.claim_jump import page_of


@pytest.mark.parametrize(
    ("screen", "field", "page"),
    [
        (
            "patient",
            "birth",
            (routes.REGISTRATION, routes.RegistrationRoute(patient_id="p", field="birth")),
        ),
        ("bill", "items.0.price", (routes.BILLING, routes.BillRoute("e", field="items.0.price"))),
        (
            "letter",
            "plan",
            (routes.REFERRALS, routes.ReferralRoute(encounter_id="e", field="plan")),
        ),
        ("certificate", "", (routes.CERTIFICATE, routes.CertificateRoute("e"))),
        ("settings", "gateways", (routes.SETTINGS, routes.SettingsRoute("gateways"))),
        ("visit", "reason", None),
        ("prescription", "prescription.lines.0.dose", None),
    ],
)
def test_each_screen_has_its_page(screen: str, field: str, page: object) -> None:
    place = ClaimPlace(patient_id="p", encounter_id="e", screen=screen, field=field)
    assert page_of(place, lambda _action: True) == page
    assert page_of(place, lambda _action: False) is None
