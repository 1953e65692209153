"""Triggers that keep what was sent to the national gateways: the bytes, and the order of states."""

from __future__ import annotations

from typing import Final

GATEWAY_TRIGGERS: Final[tuple[str, ...]] = (
    """CREATE TRIGGER gateway_message_insert BEFORE INSERT ON gateway_message BEGIN
  SELECT RAISE(ABORT, 'gateway_message: id already used')
    WHERE EXISTS (SELECT 1 FROM gateway_message WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'gateway_message: begins as a draft or signed')
    WHERE NEW.state NOT IN ('draft', 'signed') OR length(NEW.sha256) <> 64;
END""",
    """CREATE TRIGGER gateway_message_update BEFORE UPDATE ON gateway_message BEGIN
  SELECT RAISE(ABORT, 'gateway_message: what it is never changes')
    WHERE NEW.row_id <> OLD.row_id OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind
      OR NEW.patient_id <> OLD.patient_id OR NEW.encounter_id <> OLD.encounter_id
      OR NEW.record_id <> OLD.record_id OR NEW.version <> OLD.version OR NEW.name <> OLD.name;
  SELECT RAISE(ABORT, 'gateway_message: signed bytes never change')
    WHERE OLD.state <> 'draft' AND (NEW.content <> OLD.content OR NEW.sha256 <> OLD.sha256);
  SELECT RAISE(ABORT, 'gateway_message: states follow one another')
    WHERE NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN (
      'draft>signed', 'draft>withdrawn', 'signed>withdrawn', 'signed>sent', 'sent>signed',
      'sent>accepted', 'sent>refused', 'sent>unknown', 'unknown>signed', 'unknown>accepted',
      'unknown>refused', 'unknown>withdrawn', 'refused>signed', 'refused>withdrawn');
END""",
    """CREATE TRIGGER gateway_message_delete BEFORE DELETE ON gateway_message BEGIN
  SELECT RAISE(ABORT, 'gateway_message: never deleted');
END""",
    """CREATE TRIGGER gateway_attempt_update BEFORE UPDATE ON gateway_attempt BEGIN
  SELECT RAISE(ABORT, 'gateway_attempt: written once');
END""",
    """CREATE TRIGGER gateway_attempt_delete BEFORE DELETE ON gateway_attempt BEGIN
  SELECT RAISE(ABORT, 'gateway_attempt: never deleted');
END""",
    """CREATE TRIGGER card_look_up_update BEFORE UPDATE ON card_look_up BEGIN
  SELECT RAISE(ABORT, 'card_look_up: written once');
END""",
    """CREATE TRIGGER card_look_up_delete BEFORE DELETE ON card_look_up BEGIN
  SELECT RAISE(ABORT, 'card_look_up: never deleted');
END""",
)
