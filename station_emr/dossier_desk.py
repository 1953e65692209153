"""Joins the station's file for the inspection with the database, its file and the pages."""

from __future__ import annotations

import platform

from station_emr.db.dossier import StationFile
from station_emr.db.store import EncryptedStore
from station_emr.printing.dossier_papers import PdfDossierPapers
from station_emr.security.slot_content import MAX_ATTEMPTS
from station_emr.services.accounts import KeyRing
from station_emr.services.backups import Backups
from station_emr.services.dossier import Dossiers
from station_emr.services.ports import Clock
from station_emr.services.synchronisation import SyncControl


def build_dossiers(
    store: EncryptedStore, clock: Clock, keys: KeyRing, backups: Backups, sync: SyncControl
) -> Dossiers:
    system = f"{platform.system()} {platform.release()}".strip()
    return Dossiers(
        store,
        clock,
        StationFile(store, system),
        PdfDossierPapers(),
        backups.state,
        sync,
        keys,
        MAX_ATTEMPTS,
    )
