"""Writes that are atomic or absent, on real disks that are full, read-only or already taken."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from converters import files
from converters.destination import destination_errors, readable_size, require_space
from converters.errors import BadInputError, DestinationError, UnsafeInputError
from converters.files import Staging, remove_stale_stagings, write_text_atomically
from converters.fingerprints import sha256_of, size_of

PROJECT = Path(__file__).resolve().parent.parent.parent
NOBODY = 65534

linux_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounts a disk, which only root on Linux may"
)


def contents(folder: Path) -> dict[str, str]:
    """Return every file below `folder`, hidden ones too, by relative name; folders end with a slash."""
    return {
        path.relative_to(folder).as_posix() + ("/" if path.is_dir() else ""): ""
        if path.is_dir()
        else path.read_text(encoding="utf-8", errors="replace")
        for path in folder.rglob("*")
    }


def write_package(folder: Path, text: str) -> Path:
    (folder / "Data" / "weights").mkdir(parents=True)
    (folder / "Manifest.json").write_text(text)
    (folder / "Data" / "weights" / "weight.bin").write_text(text * 3)
    return folder


BECOME_NOBODY = f"""
import os, platform, psutil  # all that is needed later: an ordinary user may not reach the interpreter's folder
import converters.files
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
"""


def python(code: str, *arguments: str | Path, as_nobody: bool = False) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own; as an ordinary user, for whom permissions count, if wanted."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    whole = (BECOME_NOBODY if as_nobody else "") + textwrap.dedent(code)
    command = [sys.executable, "-c", whole, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder of the user that `python(as_nobody=True)` runs as."""
    with tempfile.TemporaryDirectory() as folder:
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of one megabyte."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


# placing ------------------------------------------------------------------------------------------------------------


def test_file_is_placed_and_staging_goes(tmp_path: Path) -> None:
    with Staging(tmp_path) as staging:
        assert staging.path.parent == tmp_path
        assert staging.path.stat().st_mode & 0o777 == 0o700
        (staging.path / "work.bin").write_text("whole")
        (staging.path / "intermediate").write_text("goes away")
        assert staging.place(staging.path / "work.bin", "model.mnn") == tmp_path / "model.mnn"
    assert contents(tmp_path) == {"model.mnn": "whole"}
    assert (tmp_path / "model.mnn").stat().st_nlink == 1


def test_folder_is_placed(tmp_path: Path) -> None:
    with Staging(tmp_path) as staging:
        staging.place(write_package(staging.path / "p", "new"), "model.mlpackage")
    assert contents(tmp_path / "model.mlpackage") == {
        "Manifest.json": "new",
        "Data/": "",
        "Data/weights/": "",
        "Data/weights/weight.bin": "newnewnew",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["model.mlpackage"]


def test_staging_goes_after_an_exception_and_so_do_folders_it_made(tmp_path: Path) -> None:
    def work() -> None:
        with Staging(tmp_path / "a" / "b") as staging:
            write_package(staging.path / "half", "x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert contents(tmp_path) == {}


def test_folders_it_made_stay_when_something_is_in_them(tmp_path: Path) -> None:
    with Staging(tmp_path / "a" / "b") as staging:
        (tmp_path / "a" / "of somebody else").write_text("keep")
    assert contents(tmp_path) == {"a/": "", "a/of somebody else": "keep"}
    with Staging(tmp_path / "c") as staging:
        (staging.path / "f").write_text("x")
        staging.place(staging.path / "f", "f")
    assert (tmp_path / "c" / "f").read_text() == "x"


def test_read_only_leftovers_go_too(nobodys_folder: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from converters.files import Staging
        with Staging(Path(sys.argv[1])) as staging:
            locked = staging.path / "locked" / "inner"
            locked.mkdir(parents=True)
            (locked / "file").write_text("x")
            locked.chmod(0o500)
            locked.parent.chmod(0o500)
    """
    done = python(code, nobodys_folder, as_nobody=True)
    assert done.returncode == 0, done.stderr
    assert contents(nobodys_folder) == {}


@pytest.mark.parametrize("staged_is_folder", [False, True])
@pytest.mark.parametrize("existing", ["file", "folder", "empty folder", "dangling link"])
def test_existing_is_refused_and_force_replaces(tmp_path: Path, existing: str, staged_is_folder: bool) -> None:
    final = tmp_path / "out"
    if existing == "file":
        final.write_text("old")
    elif existing == "folder":
        write_package(final, "old")
    elif existing == "empty folder":
        final.mkdir()
    else:
        final.symlink_to(tmp_path / "nowhere")
    before = contents(tmp_path) if existing != "dangling link" else None
    with Staging(tmp_path) as staging:
        new = staging.path / "new"
        if staged_is_folder:
            write_package(new, "new")
        else:
            new.write_text("new")
        with pytest.raises(DestinationError, match=r"out already exists\. Replace it"):
            staging.place(new, "out")
        assert new.exists()
        if before is None:
            assert final.readlink() == tmp_path / "nowhere"
        else:
            assert {name: text for name, text in contents(tmp_path).items() if ".ffstudio" not in name} == before
        staging.place(new, "out", force=True)
    assert not final.is_symlink()
    assert (final / "Manifest.json" if staged_is_folder else final).read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_something_that_comes_in_between_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program creates the file after we looked: the move itself refuses."""
    final = tmp_path / "out"
    plain_move = files._move_to_free_name

    def late(staged: Path, target: Path) -> None:
        target.write_text("of somebody else")
        plain_move(staged, target)

    monkeypatch.setattr(files, "_move_to_free_name", late)
    with Staging(tmp_path) as staging:
        (staging.path / "new").write_text("new")
        with pytest.raises(DestinationError, match="already exists"):
            staging.place(staging.path / "new", "out")
    assert final.read_text() == "of somebody else"


@pytest.mark.parametrize("name", ["", ".", "..", "../out", "a/b", "/out", "a\\b", "a\0b"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with Staging(tmp_path / "inner") as staging:
        (staging.path / "f").write_text("x")
        with pytest.raises(DestinationError, match="is not a file name"):
            staging.place(staging.path / "f", name)
    assert contents(tmp_path) == {}


def test_only_what_lies_in_staging_is_placed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with Staging(tmp_path) as staging:
        (staging.path / "link").symlink_to(tmp_path / "secret")
        for staged in (tmp_path / "secret", staging.path / "link", staging.path / "missing", staging.path):
            with pytest.raises(ValueError, match="inside"):
                staging.place(staged, "out")
    assert contents(tmp_path) == {"secret": "secret"}


# a move that fails --------------------------------------------------------------------------------------------------


FAILING_MOVE = """
    import sys
    from pathlib import Path
    from converters.errors import DestinationError
    from converters.files import Staging

    destination = Path(sys.argv[1])
    (destination / "out").mkdir()
    (destination / "out" / "Manifest.json").write_text("old")
    with Staging(destination) as staging:
        new = staging.path / "new"
        new.mkdir()
        (new / "Manifest.json").write_text("new")
        new.chmod(0o500)  # a folder that its owner may not write cannot be moved to another parent
        try:
            staging.place(new, "out", force=True)
        except DestinationError as error:
            print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits")
def test_force_restores_the_old_when_the_move_fails(nobodys_folder: Path) -> None:
    done = python(FAILING_MOVE, nobodys_folder, as_nobody=True)
    assert done.returncode == 0, done.stderr
    assert "out cannot be written. Its folder or the file itself does not permit it." in done.stdout
    assert contents(nobodys_folder) == {"out/": "", "out/Manifest.json": "old"}


def test_old_is_kept_beside_when_its_place_was_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes to the name in the moment between the two moves: both survive."""
    write_package(tmp_path / "out", "old")
    plain_move = files._move_to_free_name

    def late(staged: Path, target: Path) -> None:
        if not os.path.lexists(target) and target.name == "out":
            target.write_text("of somebody else")
        plain_move(staged, target)

    monkeypatch.setattr(files, "_move_to_free_name", late)
    with Staging(tmp_path) as staging, pytest.raises(DestinationError, match="already exists"):
        staging.place(write_package(staging.path / "new", "new"), "out", force=True)
    assert (tmp_path / "out").read_text() == "of somebody else"
    assert (tmp_path / "out.previous-1" / "Manifest.json").read_text() == "old"


# kill and power cut -------------------------------------------------------------------------------------------------

KILLED_BETWEEN = """
    import os, signal, sys
    from pathlib import Path
    from converters import files
    from converters.files import Staging

    moment = sys.argv[2]
    def die(*_arguments):
        os.kill(os.getpid(), signal.SIGKILL)
    if moment == "before the new one":
        files._move_to_free_name = die
    with Staging(Path(sys.argv[1])) as staging:
        new = staging.path / "new"
        new.mkdir()
        (new / "Manifest.json").write_text("new")
        if moment == "while staging":
            die()
        if moment == "after the new one":
            files._flush_folder = lambda folder: die() if folder == Path(sys.argv[1]) else None
        staging.place(new, "out", force=True)
"""


@pytest.mark.parametrize(
    ("moment", "expected"), [("while staging", "old"), ("before the new one", "old"), ("after the new one", "new")]
)
def test_killed_process_loses_nothing(tmp_path: Path, moment: str, expected: str) -> None:
    write_package(tmp_path / "out", "old")
    done = python(KILLED_BETWEEN, tmp_path, moment)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(list(tmp_path.glob(".ffstudio-*"))) == 1
    if moment == "before the new one":
        assert not (tmp_path / "out").exists()

    with Staging(tmp_path) as staging:
        assert [path for path in tmp_path.glob(".ffstudio-*") if path != staging.path] == []
        assert (tmp_path / "out" / "Manifest.json").read_text() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_stale_means_dead_ours_and_from_this_machine(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    machine = files._machine()
    other = "0" * 8 if machine != "0" * 8 else "1" * 8
    names = {
        "dead": f".ffstudio-{ended.pid}-{machine}0badcafe",
        "alive": f".ffstudio-{os.getpid()}-{machine}0badcafe",
        "reused": f".ffstudio-{os.getpid()}-{machine}00000000",
        "elsewhere": f".ffstudio-{ended.pid}-{other}0badcafe",
        "not ours": ".ffstudio-keep",
        "of the person": f".ffstudio-{ended.pid}",
    }
    for name in names.values():
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    target = tmp_path / "linked"
    target.mkdir()
    (target / "file").write_text("x")
    link = tmp_path / f".ffstudio-{ended.pid}-{machine}11111111"
    link.symlink_to(target)
    long_ago = time.time() - 10 * 365 * 86400  # before the process that has the number now was started
    os.utime(tmp_path / names["reused"], (long_ago, long_ago))

    assert set(remove_stale_stagings(tmp_path)) == {tmp_path / names["dead"], tmp_path / names["reused"]}
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {names["alive"], names["elsewhere"], names["not ours"], names["of the person"], "linked", link.name}
    assert (target / "file").exists()


def test_stagings_of_others_at_work_are_left_alone(tmp_path: Path) -> None:
    with Staging(tmp_path) as one, Staging(tmp_path) as two:
        assert one.path.is_dir()
        assert two.path.is_dir()


# what the system says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full."),
        (errno.EDQUOT, "quota"),
        (errno.EFBIG, "larger than"),
        (errno.EACCES, "does not permit"),
        (errno.EPERM, "does not permit"),
        (errno.EROFS, "read-only"),
        (errno.ENAMETOOLONG, "too long"),
        (errno.EINVAL, "does not accept this name"),
        (errno.ENOENT, "vanished"),
        (errno.ENOTDIR, "is a file"),
        (errno.ELOOP, "circle"),
        (errno.EISDIR, "A folder of that name"),
        (errno.EBUSY, "Another program"),
        (errno.ETXTBSY, "Another program"),
        (errno.EIO, "reports an error"),
        (errno.ENODEV, "gone"),
        (errno.ESTALE, "network folder"),
        (errno.EEXIST, "already exists. Replace it"),
    ],
)
def test_sentences(tmp_path: Path, number: int, words: str) -> None:
    path = tmp_path / "model.mnn"
    with pytest.raises(DestinationError) as caught, destination_errors(path):
        raise OSError(number, os.strerror(number))
    assert words in str(caught.value)
    assert str(path) in caught.value.what
    assert caught.value.remedy


def test_errors_that_do_not_speak_of_the_destination_pass() -> None:
    for error in (OSError("without a number"), OSError(errno.ECHILD, "x"), ValueError("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, destination_errors(Path("x")):
            raise error
        assert caught.value is error


@linux_root
def test_full_disk_while_writing(small_disk: Path) -> None:
    (small_disk / "old").write_text("old")
    with pytest.raises(DestinationError, match=r"report.json cannot be written\. The disk is full\."):
        write_text_atomically(small_disk / "report.json", "x" * 2_000_000)
    assert contents(small_disk) == {"old": "old"}
    with pytest.raises(DestinationError, match="full"):
        write_text_atomically(small_disk / "old", "x" * 2_000_000, force=True)
    assert contents(small_disk) == {"old": "old"}
    write_text_atomically(small_disk / "fits", "x" * 500_000)
    assert (small_disk / "fits").stat().st_size == 500_000


@linux_root
def test_disk_without_any_room(small_disk: Path) -> None:
    filler = os.open(small_disk / "filler", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="No space"):
        all(os.write(filler, b"x" * 4096) for _ in range(1000))
    os.close(filler)
    with pytest.raises(DestinationError, match="full"):
        write_text_atomically(small_disk / "new" / "newer" / "text", "x" * 5000)
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


@linux_root
def test_read_only_disk(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DestinationError, match="The disk is read-only"), Staging(small_disk):
        pytest.fail("opened on a read-only disk")
    with pytest.raises(DestinationError, match="The disk is read-only"), Staging(small_disk / "new"):
        pytest.fail("opened on a read-only disk")


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits")
def test_file_size_limit(tmp_path: Path) -> None:
    code = """
        import resource, sys
        from pathlib import Path
        from converters.errors import DestinationError
        from converters.files import write_text_atomically
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            write_text_atomically(Path(sys.argv[1]) / "report.json", "x" * 20_000)
        except DestinationError as error:
            print(error)
    """
    done = python(code, tmp_path)
    assert "The file is larger than" in done.stdout, done.stderr
    assert contents(tmp_path) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits")
def test_unwritable_folder(nobodys_folder: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from converters.errors import DestinationError
        from converters.files import Staging
        for folder in (Path(sys.argv[1]), Path(sys.argv[1]) / "new"):
            try:
                with Staging(folder):
                    print("opened")
            except DestinationError as error:
                print(error)
    """
    nobodys_folder.chmod(0o555)
    done = python(code, nobodys_folder, as_nobody=True)
    nobodys_folder.chmod(0o755)
    assert "opened" not in done.stdout
    assert done.stdout.count("does not permit it. Choose a folder in which you may write.") == 2, done.stderr


def test_destination_that_is_a_file_or_has_an_endless_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for destination in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DestinationError, match="is a file, not a folder"), Staging(destination):
            pytest.fail("opened in a file")
    with pytest.raises(DestinationError, match="too long"), Staging(tmp_path / ("x" * 300)):
        pytest.fail("opened")
    with Staging(tmp_path) as staging:
        (staging.path / "f").write_text("x")
        with pytest.raises(DestinationError, match="too long"):
            staging.place(staging.path / "f", "x" * 300)
    assert contents(tmp_path) == {"file": "x"}


@linux_root
def test_disk_without_hard_links(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT has none; where it cannot be mounted, the system call answers as it does there."""

    def refuse(_self: Path, _target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_text_atomically(small_disk / "a", "one")
    with pytest.raises(DestinationError, match="already exists"):
        write_text_atomically(small_disk / "a", "two")
    assert contents(small_disk) == {"a": "one"}


def test_require_space(tmp_path: Path) -> None:
    require_space(tmp_path / "not" / "yet", 1000)
    with pytest.raises(DestinationError, match=r"needs 1000000.0 TB, its disk has .* free\. Free some space"):
        require_space(tmp_path / "not" / "yet", 10**18)
    assert contents(tmp_path) == {}


def test_text_has_the_bytes_that_were_asked_for(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "t", "Grüße\n漢\n")
    assert (tmp_path / "t").read_bytes() == "Grüße\n漢\n".encode()
    with pytest.raises(DestinationError, match="Replace it"):
        write_text_atomically(tmp_path / "t", "x")
    write_text_atomically(tmp_path / "t", "x", force=True)
    assert (tmp_path / "t").read_text() == "x"


# reading ------------------------------------------------------------------------------------------------------------


def test_remove_takes_a_name_of_the_destination_only(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "part").write_bytes(b"x")
    with Staging(tmp_path) as staging:
        staging.remove("old")
        staging.remove("never there")
        with pytest.raises(DestinationError):
            staging.remove("../old")
    assert list(tmp_path.iterdir()) == []


def test_sha256_and_size_of_a_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "f").write_bytes(data)
    assert sha256_of(tmp_path / "f") == hashlib.sha256(data).hexdigest()
    assert size_of(tmp_path / "f") == len(data)


def test_sha256_of_a_folder_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    one, two = write_package(tmp_path / "one", "x"), tmp_path / "two"
    (two / "Data" / "weights").mkdir(parents=True)
    (two / "Data" / "weights" / "weight.bin").write_text("xxx")  # in the other order, at another time
    (two / "Manifest.json").write_text("x")
    os.utime(two / "Manifest.json", (1, 1))
    same = sha256_of(one)
    assert sha256_of(two) == same
    assert size_of(one) == size_of(two) == 4

    (two / "Manifest.json").write_text("y")
    assert sha256_of(two) != same
    (two / "Manifest.json").write_text("x")
    (two / "Manifest.json").rename(two / "Manifest.jso")
    assert sha256_of(two) != same
    (two / "Manifest.jso").rename(two / "Manifest.json")
    assert sha256_of(two) == same
    (two / "empty").write_text("")
    assert sha256_of(two) != same


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        sha256_of(tmp_path / "none")
    package = write_package(tmp_path / "package", "x")
    (package / "link").symlink_to("/etc")
    with pytest.raises(UnsafeInputError, match="symbolic link"):
        size_of(package)
    (package / "link").unlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(package / "pipe")
        for path in (package, package / "pipe"):
            with pytest.raises(BadInputError, match="neither a file nor a folder"):
                sha256_of(path)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949_999, "9.9 MB"),
        (99_949_999, "99.9 MB"),
        (99_950_000, "100 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (15_500_000_000, "15.5 GB"),
        (2_000_000_000_000, "2.0 TB"),
    ],
)
def test_readable_size(size: int, text: str) -> None:
    assert readable_size(size) == text
