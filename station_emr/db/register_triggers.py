"""A closed month of the registers stands: the database refuses to change, drop or overwrite it."""

from __future__ import annotations

from typing import Final

REGISTER_TRIGGERS: Final[tuple[str, ...]] = (
    """CREATE TRIGGER register_closing_insert BEFORE INSERT ON register_closing BEGIN
  SELECT RAISE(ABORT, 'register_closing: closings of a month follow one another')
    WHERE NEW.times <> 1 + (SELECT count(*) FROM register_closing WHERE month = NEW.month)
      OR EXISTS (SELECT 1 FROM register_closing WHERE id = NEW.id OR row_id = NEW.row_id);
  SELECT RAISE(ABORT, 'register_closing: the month is closed')
    WHERE EXISTS (SELECT 1 FROM register_closing AS c WHERE c.month = NEW.month
      AND NOT EXISTS (SELECT 1 FROM register_reopening AS o WHERE o.closing_id = c.id));
  SELECT RAISE(ABORT, 'register_closing: known by its hash')
    WHERE length(NEW.content_sha256) <> 64 OR NEW.content_sha256 GLOB '*[^0-9a-f]*';
END""",
    """CREATE TRIGGER register_reopening_insert BEFORE INSERT ON register_reopening BEGIN
  SELECT RAISE(ABORT, 'register_reopening: opened once, with a reason')
    WHERE trim(NEW.reason) = ''
      OR NOT EXISTS (SELECT 1 FROM register_closing WHERE id = NEW.closing_id)
      OR EXISTS (SELECT 1 FROM register_reopening
        WHERE closing_id = NEW.closing_id OR row_id = NEW.row_id);
END""",
    """CREATE TRIGGER register_closing_update BEFORE UPDATE ON register_closing BEGIN
  SELECT RAISE(ABORT, 'register_closing: written once');
END""",
    """CREATE TRIGGER register_closing_delete BEFORE DELETE ON register_closing BEGIN
  SELECT RAISE(ABORT, 'register_closing: never deleted');
END""",
    """CREATE TRIGGER register_reopening_update BEFORE UPDATE ON register_reopening BEGIN
  SELECT RAISE(ABORT, 'register_reopening: written once');
END""",
    """CREATE TRIGGER register_reopening_delete BEFORE DELETE ON register_reopening BEGIN
  SELECT RAISE(ABORT, 'register_reopening: never deleted');
END""",
)
