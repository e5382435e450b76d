"""How fast and how warm a phone would be: worked out from published figures, never measured here."""
