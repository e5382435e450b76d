"""LICENCE-NOTE.txt: whose the model is, what is known of its licence, and the consent of people in pictures."""

from __future__ import annotations

from textwrap import fill

from converters.model.families import Family

LICENCE_FILE = "LICENCE-NOTE.txt"
_WIDTH = 88
_UNKNOWN = ("", "Unknown")

_DERIVED = (
    "Converting, pruning or quantizing a model does not change its licence. Everything in this folder that holds its "
    "weights is a derived work of it."
)
_CONSENT = (
    "Models of this kind work on pictures of people's faces. Use them only on pictures of people who agreed to it, and "
    "for what they agreed to.",
    "A face that was swapped, redrawn or moved is synthetic media. Say so wherever such a picture is shown: "
    "in the app, "
    "and in the file where its format allows. Several countries require it by law.",
    "Never use it to make somebody appear to say or do what they did not, to get past an identity check, to "
    "make sexual "
    "pictures, or with pictures of children. A face and its embedding are biometric data in many countries: keep "
    "them on the device, no longer than needed, and delete them when asked to.",
)


def commercial_use(known: Family | None) -> str:
    """Return a sentence on commercial use, as far as it is known."""
    if known is None or known.commercial is None:
        return "Whether commercial use is allowed is not known."
    if known.commercial:
        return "The licence as listed allows commercial use; its own conditions still hold."
    return "COMMERCIAL USE IS NOT ALLOWED by the licence as listed."


def licence_note(known: Family | None, source_name: str, source_sha256: str) -> str:
    """Return the note's text.

    Args:
        known: the model's family, None when it was not recognised.
        source_name: of the file that the models were made from.
        source_sha256: of it.
    """
    return "\n".join(
        (
            "LICENCE AND CONSENT",
            "===================",
            "",
            f"Made from {source_name}",
            f"SHA-256   {source_sha256 or 'unknown'}",
            *_family_lines(known),
            "",
            fill(_DERIVED, _WIDTH),
            "",
            "FACES",
            "-----",
            "",
            "\n\n".join(fill(sentence, _WIDTH) for sentence in _CONSENT),
            "",
            "This note is information, not legal advice.",
            "",
        )
    )


def _family_lines(known: Family | None) -> list[str]:
    if known is None:
        return [
            "",
            fill(
                "The model was not recognised. Vendor, licence and conditions are NOT KNOWN. Find out from "
                "where you got "
                "the file before you ship it: without a licence nothing is allowed.",
                _WIDTH,
            ),
        ]
    vendor = "not known" if known.vendor in _UNKNOWN else known.vendor
    licence = "NOT KNOWN" if known.licence in _UNKNOWN else known.licence
    lines = [
        f"Model     {known.title} ({known.kind})",
        f"Vendor    {vendor}",
        f"Licence   {licence}",
        "",
        fill(commercial_use(known), _WIDTH),
        "",
        fill(
            "The model was recognised by its structure, and the licence is the one listed for that family, "
            "not read from "
            "the file. Weights that somebody trained anew on the same structure may have another licence. Read the "
            "licence itself where the model was published.",
            _WIDTH,
        ),
    ]
    if known.alternatives:
        others = ", ".join(known.alternatives)
        sentence = f"The structure alone does not tell it from: {others}. Their licences may be others."
        lines += ["", fill(sentence, _WIDTH)]
    return lines
