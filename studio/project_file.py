"""A project's file: JSON with a version, read with suspicion, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from converters.destination import readable_size
from converters.errors import BadInputError, StudioError, UnsupportedError
from converters.files import write_text_atomically
from studio.plain_data import parse
from studio.project import Project

SUFFIX: Final = ".ffstudio"
PROJECT_VERSION: Final = 1
FORMAT: Final = "ffstudio-project"
MOST_BYTES: Final = 16 * 1024**2

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: Final[Mapping[int, Migration]] = MappingProxyType({})
"""By the version that a function reads; it returns the data of the next version. Every older version has one."""

_ANOTHER = "Choose another file."


class UnreadableError(BadInputError):
    """A file may be sound, but cannot be read now: no permission, or a disk that does not answer."""


def read_project(
    path: Path, *, newest: int = PROJECT_VERSION, migrations: Mapping[int, Migration] = MIGRATIONS
) -> Project:
    """Read a project's file of this or any older version.

    Args:
        path: absolute.
        newest: the version that this program writes.
        migrations: how older ones become newer, one version at a time.

    Raises:
        BadInputError: it is missing, not permitted, too large, damaged, or no project.
        UnsupportedError: a newer program wrote it.
    """
    data = read_json(path)
    return project_from(data, path.name, path.parent, newest=newest, migrations=migrations)


def project_from(
    data: object,
    name: str,
    folder: Path | None,
    *,
    newest: int = PROJECT_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> Project:
    """Return the project that plain data of any version up to `newest` stands for.

    Args:
        data: as `project_data` returns it.
        name: of the file it comes from, for sentences.
        folder: that relative paths begin in.
        newest, migrations: as for `read_project`.

    Raises:
        BadInputError, UnsupportedError: as `read_project` does.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BadInputError(f"{name} is no project of this program.", "", f"Projects end in {SUFFIX}.")
    plain = {key: value for key, value in data.items() if key not in ("format", "version")}
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise _damaged(name, f"Its version is {str(version)[:40]!r}.")
    if version > newest:
        raise UnsupportedError(
            f"{name} was saved by a newer version of this program.",
            f"It has version {version}; this one reads up to version {newest}.",
            "Update this program, or open the project with the one that saved it.",
        )
    try:
        for old in range(version, newest):
            plain = migrations[old](plain)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:  # data that no version ever had
        raise _damaged(name, f"It has version {version} and cannot be brought up to date.") from error
    try:
        return Project.from_json(plain, folder)
    except StudioError as error:
        raise _damaged(name, str(error)) from error


def project_data(project: Project, folder: Path | None) -> dict[str, Any]:
    """Return a project as plain data with its version, as it stands in a file of `folder`."""
    return {"format": FORMAT, "version": PROJECT_VERSION, **project.to_json(folder)}


def write_project(path: Path, project: Project) -> None:
    """Write a project's file, in the place of an older one; that one survives whatever goes wrong.

    Raises:
        DestinationError: the disk is full, the folder read-only, …
    """
    text = json.dumps(project_data(project, path.parent), indent=1, ensure_ascii=False, allow_nan=False)
    write_text_atomically(path, text + "\n", force=True)


def read_json(path: Path) -> object:
    """Read a file of plain data that somebody else may have written.

    Raises:
        BadInputError: it is missing, not permitted, too large, or no JSON.
    """
    content = _content(path)
    try:
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _damaged(path.name, "It is no text.") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path.name, f"It is no JSON: {error}.") from error


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise BadInputError(f"{path.name} is a folder, not a project.", "", _ANOTHER)
        if path.exists() and not path.is_file():  # a pipe would be waited for without end
            raise BadInputError(f"{path.name} is neither a file nor a folder.", "", _ANOTHER)
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise BadInputError(f"{path} does not exist.", "It may have been moved or renamed.", "Find it.") from error
    except PermissionError as error:
        raise UnreadableError(
            f"{path.name} cannot be read.", "This account has no permission.", "Change the file's permissions."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableError(f"{path.name} cannot be read.", f"{reason}.", "Check the disk.") from error
    if not content:
        raise BadInputError(
            f"{path.name} is empty.", "A copy may have been cut short.", "Use another copy of the project."
        )
    if len(content) > MOST_BYTES:
        raise BadInputError(
            f"{path.name} is too large for a project.", f"It has more than {readable_size(MOST_BYTES)}.", _ANOTHER
        )
    return content


def _damaged(name: str, why: str) -> BadInputError:
    return BadInputError(
        f"{name} is damaged, or no project of this program.", why, "Use another copy, or begin a new project."
    )
