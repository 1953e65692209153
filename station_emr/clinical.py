"""Joins the use cases of the clinical record: people, visits, papers, and what is at odds."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.catalogs.station_catalogs import StationCatalogs
from station_emr.printing.documents import PdfDocuments
from station_emr.printing.visit_forms import PdfTemplateForms
from station_emr.services.appointments import Appointments
from station_emr.services.billing import Billing
from station_emr.services.certificates import Certificates
from station_emr.services.conflicts import Conflicts
from station_emr.services.drafts import Drafts
from station_emr.services.duplicates import Duplicates
from station_emr.services.encounters import Encounters
from station_emr.services.form_rules import FormRules
from station_emr.services.matching import NameMatcher
from station_emr.services.notifications import Notifications
from station_emr.services.patients import Patients
from station_emr.services.ports import Clock, LetterSigner, Store
from station_emr.services.prescriptions import Prescriptions
from station_emr.services.prints import Prints
from station_emr.services.referrals import Referrals
from station_emr.services.versions import Versions
from station_emr.services.visit_forms import VisitForms
from station_emr.services.visits import Visits


@dataclass(frozen=True, slots=True)
class Clinical:
    """Fields as in :class:`StationServices`."""

    patients: Patients
    encounters: Encounters
    prescriptions: Prescriptions
    referrals: Referrals
    appointments: Appointments
    certificates: Certificates
    billing: Billing
    notifications: Notifications
    visit_forms: VisitForms
    visits: Visits
    prints: Prints
    drafts: Drafts
    conflicts: Conflicts
    duplicates: Duplicates
    versions: Versions


def build_clinical(
    store: Store, clock: Clock, catalogs: StationCatalogs, signer: LetterSigner
) -> Clinical:
    """``signer`` puts the station's code on its letters."""
    patients = Patients(store, clock, NameMatcher())
    encounters = Encounters(store, clock, catalogs)
    prescriptions = Prescriptions(store, clock, catalogs)
    appointments = Appointments(store, clock, catalogs)
    referrals = Referrals(store, clock, catalogs, signer)
    certificates = Certificates(store, clock, catalogs)
    billing = Billing(store, clock, catalogs)
    papers = (prescriptions, appointments, referrals, certificates, billing)
    rules = FormRules(patients, encounters, papers)
    return Clinical(
        patients=patients,
        encounters=encounters,
        prescriptions=prescriptions,
        referrals=referrals,
        appointments=appointments,
        certificates=certificates,
        billing=billing,
        notifications=Notifications(store, clock),
        visit_forms=VisitForms(store, clock, catalogs, PdfTemplateForms()),
        visits=Visits(store, encounters, prescriptions, appointments, referrals),
        prints=Prints(store, clock, PdfDocuments()),
        drafts=Drafts(store, clock),
        conflicts=Conflicts(store, clock, signer, rules),
        duplicates=Duplicates(store, clock, NameMatcher()),
        versions=Versions(store, clock, signer, rules, PdfDocuments()),
    )
