"""Tables for people and scripts, drawn from rows that analysis made; no arithmetic here."""
