"""HoSoBenhAn: one visit as XML or JSON in the eleven groups of CV 365/TTYQG-GPQLCL (item 7)."""
