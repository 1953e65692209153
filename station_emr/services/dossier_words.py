"""The station's file as JSON and as a few lines for a terminal. No person is named in the lines."""

from __future__ import annotations

from typing import Any

from station_emr.domain.dossier import Section, Standing

from .dossier_level import description
from .dossier_ports import Dossier
from .dossier_state import state_lines


def as_json(dossier: Dossier) -> dict[str, Any]:
    """Everything the four papers say."""
    facts = dossier.facts
    return {
        "at": facts.at.isoformat(),
        "station": {"code": facts.station.code, "name": facts.station.name},
        "version": facts.file.version,
        "rows": [
            {
                "key": row.key,
                "section": row.section.value,
                "article": row.article,
                "demand": row.demand,
                "standing": row.standing.value,
                "shown": row.shown.value,
                "facts": row.facts,
                "level_3": row.beyond,
                "own": {
                    "standing": row.own.standing.value,
                    "note": row.own.note,
                    "by": row.own.by,
                    "at": row.own.at.isoformat(),
                }
                if row.own
                else None,
            }
            for row in dossier.rows
        ],
        "regulation": [
            {"key": one.key, "heading": one.heading, "text": one.text, "own": one.own}
            for one in dossier.blocks
        ],
        "system": dict(description(facts)),
        "state": {
            heading: [
                {"label": line.label, "text": line.text, "warns": line.warns} for line in lines
            ]
            for heading, lines in state_lines(facts)
        },
    }


def summary(dossier: Dossier) -> list[str]:
    """How many rows of each text stand how, then those that somebody has to see to."""
    lines = []
    for section in Section:
        rows = [row for row in dossier.of(section) if not row.beyond]
        counts = ", ".join(
            f"{standing.label.lower()} {count}"
            for standing in Standing
            if (count := sum(1 for row in rows if row.shown is standing))
        )
        lines.append(f"{section.label}: {counts}.")
    lines += [
        f"  {row.article} · {row.shown.label} · {row.demand}. {row.facts}"
        for row in dossier.rows
        if row.shown in {Standing.NOT_MET, Standing.PARTLY} and not row.beyond
    ]
    return lines
