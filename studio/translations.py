"""Collects the window's texts for translation and compiles what was translated; for those who work on the program.

    python -m studio.translations                 bring resources/translations/*.ts up to date and compile them
    python -m studio.translations --missing       print what is not translated yet, as JSON to be filled in
    python -m studio.translations --fill FILE     take translations from such a JSON file

Texts come from the calls of `tr` in studio/ and from what the engine says of its parameters, steps, targets, families
and stages of work.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from studio.ui.texts import CONTEXT

PROJECT = Path(__file__).resolve().parents[1]
TRANSLATIONS = PROJECT / "resources" / "translations"
TRANSLATED = ("zh_CN",)


def ts_file(language: str) -> Path:
    """Return the file that people translate."""
    return TRANSLATIONS / f"studio_{language}.ts"


def collect() -> list[str]:
    """Return every text that the window may show in another language, sorted."""
    texts = {*_of_window(), *_of_parameters(), *_of_families(), *_of_stages()}
    return sorted(text for text in texts if any(sign.isalpha() for sign in text))


def read(language: str) -> dict[str, str]:
    """Return the finished translations by their English texts."""
    path = ts_file(language)
    if not path.exists():
        return {}
    found = {}
    for message in ElementTree.parse(path).iter("message"):
        source, translation = message.find("source"), message.find("translation")
        if source is None or translation is None or translation.get("type") in ("unfinished", "vanished", "obsolete"):
            continue
        if source.text and translation.text:
            found[source.text] = translation.text
    return found


def write(language: str, texts: Iterable[str], translated: dict[str, str]) -> None:
    """Write the file that people translate; what is not translated yet is marked so."""
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ElementTree.SubElement(root, "context")
    ElementTree.SubElement(context, "name").text = CONTEXT
    for text in texts:
        message = ElementTree.SubElement(context, "message")
        ElementTree.SubElement(message, "source").text = text
        translation = ElementTree.SubElement(message, "translation")
        if text in translated:
            translation.text = translated[text]
        else:
            translation.set("type", "unfinished")
    ElementTree.indent(root, " ")
    body = ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
    ts_file(language).write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', encoding="utf-8", newline="\n"
    )


def compile_(language: str) -> None:
    """Make the file that the window reads, with the tool that comes with PySide6."""
    import PySide6

    tool = Path(PySide6.__file__).parent / ("lrelease.exe" if sys.platform == "win32" else "lrelease")
    source = ts_file(language)
    subprocess.run(
        [str(tool), "-silent", "-nounfinished", str(source), "-qm", str(source.with_suffix(".qm"))], check=True
    )


def _of_window() -> Iterator[str]:
    for path in sorted((PROJECT / "studio").rglob("*.py")):
        for call in _calls(path):
            if ast.unparse(call.func).rpartition(".")[2] == "tr" and call.args and _is_text(call.args[0]):
                yield ast.literal_eval(call.args[0])


def _of_parameters() -> Iterator[str]:
    from studio.catalogue import catalogue
    from studio.ui.pages.convert_settings import VERIFICATION
    from studio.ui.widgets.parameter_form import readable

    known = catalogue()
    yield from (target.title for target in known.targets)
    yield from (step.title for step in known.steps)
    targets = (parameter for target in known.targets for parameter in target.parameters)
    steps = (parameter for step in known.steps for parameter in step.parameters)
    for parameter in itertools.chain(VERIFICATION, targets, steps):
        yield readable(parameter.name)
        yield parameter.help
        yield from (choice for choice in parameter.choices if isinstance(choice, str))


def _of_families() -> Iterator[str]:
    families = json.loads((PROJECT / "resources" / "families.json").read_text(encoding="utf-8"))["families"]
    for family in families:
        yield family["kind"]
        yield from family["hazards"]


def _of_stages() -> Iterator[str]:
    """Yield what work says of where it is, as far as it does not name a file or a model."""
    for path in sorted((PROJECT / "converters").rglob("*.py")):
        for call in _calls(path):
            if ast.unparse(call.func).endswith("progress") and call.args and _is_text(call.args[0]):
                yield ast.literal_eval(call.args[0])


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say."""
    grammar = argparse.ArgumentParser(description="Collect and compile the window's texts.")
    grammar.add_argument("--missing", action="store_true", help="print what is not translated yet, as JSON")
    grammar.add_argument("--fill", metavar="FILE", type=Path, help="take translations from such a JSON file")
    options = grammar.parse_args(arguments)
    texts = collect()
    for language in TRANSLATED:
        translated = read(language)
        if options.missing:
            print(json.dumps({text: "" for text in texts if text not in translated}, ensure_ascii=False, indent=1))
            continue
        if options.fill:
            given = json.loads(options.fill.read_text(encoding="utf-8"))
            translated.update({text: words for text, words in given.items() if words})
        write(language, texts, translated)
        compile_(language)
        missing = sum(text not in translated for text in texts)
        print(f"{language}: {len(texts) - missing} of {len(texts)} texts are translated")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
