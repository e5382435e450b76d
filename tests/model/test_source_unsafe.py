"""What hostile files try, one test for each published way."""

from __future__ import annotations

import os
import pickle
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto

from converters.errors import (
    BadInputError,
    OtherContentsError,
    StudioError,
    TrustNeededError,
    UnsafeInputError,
    UnsupportedError,
)
from converters.fingerprints import sha256_of
from converters.model import trusted
from converters.model.external_data import ExternalReader
from converters.model.source import load
from tests.model.small_sources import (
    small_network,
    small_proto,
    weight_bytes,
    with_external,
    write_onnx,
    write_zip,
)

FACTORY = """
import torch
def make():
    return torch.nn.Conv2d(3, 4, 1), torch.zeros(1, 3, 8, 8)
"""


@pytest.fixture(autouse=True)
def no_leftovers(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Temporary folders go into a folder of the test, where none of ours may be left."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.glob("ffstudio-*")) == []


def refusal(path: Path | str, kind: type[StudioError], **options: object) -> str:
    with pytest.raises(kind) as caught:
        load(path, **options)  # type: ignore[arg-type]
    assert type(caught.value) is kind
    return str(caught.value)


def test_external_weights_beside_the_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(b"....." + weight_bytes() + b"..")
    path = with_external(tmp_path / "m.onnx", "weights/w.bin", offset=5, length=len(weight_bytes()))
    model = load(path)
    tensor = model.proto.graph.initializer[0]
    assert tensor.raw_data == weight_bytes()
    assert tensor.data_location == TensorProto.DEFAULT
    assert not tensor.external_data
    assert model.source.size == path.stat().st_size + len(weight_bytes())
    (tmp_path / "weights" / "w.bin").write_bytes(b"....." + weight_bytes()[::-1] + b"..")
    assert load(path).source.sha256 != model.source.sha256


@pytest.mark.parametrize(
    "location",
    [
        "../secret",  # CVE-2022-25882
        "a/../../secret",  # CVE-2024-27318
        "/etc/hostname",
        "C:\\secret",
        "..\\secret",
        "https://example.org/secret",
        "file:///etc/hostname",
        "a//b",
        "w\x00.bin",
    ],
)
def test_external_weights_outside_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    (folder / "a").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(weight_bytes())
    sentence = refusal(with_external(folder / "m.onnx", location), UnsafeInputError)
    assert "outside its own folder" in sentence


def test_external_weights_behind_a_symbolic_link_are_refused(tmp_path: Path) -> None:
    """The link is inside the folder, what it leads to is not (CVE-2024-27318 and its successors)."""
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(weight_bytes())
    (folder / "w.bin").symlink_to(tmp_path / "outside" / "secret")
    (folder / "down").symlink_to(tmp_path / "outside")
    for location in ("w.bin", "down/secret"):
        sentence = refusal(with_external(folder / "m.onnx", location), UnsafeInputError)
        assert "symbolic link" in sentence


def test_a_link_put_in_place_after_the_look_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_bytes(weight_bytes())
    (tmp_path / "w.bin").write_bytes(weight_bytes())
    path = with_external(tmp_path / "m.onnx", "w.bin")
    look = ExternalReader._contained

    def look_then_swap(self: ExternalReader, location: str, name: str) -> Path:
        found = look(self, location, name)
        found.unlink()
        found.symlink_to(tmp_path / "secret")
        return found

    monkeypatch.setattr(ExternalReader, "_contained", look_then_swap)
    assert "cannot be read" in refusal(path, BadInputError)


def test_external_weights_that_are_a_hard_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_bytes(weight_bytes())
    os.link(tmp_path / "secret", tmp_path / "model" / "w.bin")
    assert "hard link" in refusal(with_external(tmp_path / "model" / "m.onnx", "w.bin"), UnsafeInputError)


def test_external_weights_that_are_no_plain_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for location in ("pipe", "folder"):
        sentence = refusal(with_external(tmp_path / "m.onnx", location), UnsafeInputError)
        assert "folder, device or pipe" in sentence


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"offset": 10**14}, "beyond the end"),
        ({"offset": -4}, "no sensible number"),
        ({"offset": "9" * 30}, "no sensible number"),
        ({"length": 10**12}, "its shape"),
        ({"length": 4}, "its shape"),
        ({"length": "1e3"}, "no sensible number"),
    ],
)
def test_external_numbers_are_compared_before_reading(tmp_path: Path, entries: dict[str, object], words: str) -> None:
    (tmp_path / "w.bin").write_bytes(weight_bytes())
    assert words in refusal(with_external(tmp_path / "m.onnx", "w.bin", **entries), BadInputError)


def test_missing_external_weights_say_which_file(tmp_path: Path) -> None:
    sentence = refusal(with_external(tmp_path / "m.onnx", "m.onnx.data"), BadInputError)
    assert "Put m.onnx.data beside m.onnx" in sentence


def test_external_data_in_a_constant_node_is_checked_too(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        node = onnx.helper.make_node("Constant", [], ["c"], value=proto.graph.initializer[0])
        tensor = node.attribute[0].t
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../secret"
        proto.graph.node.insert(0, node)

    assert "outside its own folder" in refusal(
        write_onnx(tmp_path / "m.onnx", small_proto(change=change)), UnsafeInputError
    )


@pytest.mark.parametrize("name", ["../out.onnx", "/tmp/out.onnx", "a/../../out.onnx", "..\\out.onnx", "C:/out.onnx"])
def test_zip_slip_is_refused(tmp_path: Path, name: str) -> None:
    """CVE-2024-5187 and every other unpacker's zip-slip."""
    data = small_proto().SerializeToString()
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("x")
        member.filename = name
        archive.writestr(member, data)
    before = sorted(tmp_path.parent.iterdir())
    assert "leads outside" in refusal(path, UnsafeInputError)
    assert sorted(tmp_path.parent.iterdir()) == before


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("w.bin")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/hostname")
        archive.writestr("m.onnx", small_proto().SerializeToString())
    assert "link or device" in refusal(path, UnsafeInputError)


def test_zip_bombs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("m.onnx", "w") as member,
    ):
        for _block in range(300):
            member.write(bytes(1024**2))
    assert "when unpacked" in refusal(path, UnsafeInputError)


def test_a_zip_with_a_wrong_size_in_its_directory_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "m.zip", {"m.onnx": small_proto().SerializeToString()})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (7).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    assert "damaged" in refusal(path, BadInputError)


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    write_onnx(tmp_path / "m.onnx")
    (tmp_path / "folder" / "m.onnx").symlink_to(tmp_path / "m.onnx")
    assert "links are not followed" in refusal(tmp_path / "folder", BadInputError)


class Attack:
    """Unpickles to a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle", "wrapped"])
def test_pickles_that_run_commands_do_not(tmp_path: Path, form: str) -> None:
    """The classic, and CVE-2025-32434: weights_only must hold in the legacy format too."""
    mark = tmp_path / "executed"
    attack = Attack(f"touch {mark}")
    path = tmp_path / "m.pth"
    if form == "pickle":
        path.write_bytes(pickle.dumps(attack))
    else:
        content = {"state_dict": {"a": torch.zeros(3)}, "extra": attack} if form == "wrapped" else attack
        torch.save(content, path, _use_new_zipfile_serialization=form != "legacy")
    sentence = refusal(path, UnsafeInputError)
    assert "system" in sentence
    assert "nothing of it was executed" in sentence
    assert not mark.exists()
    pickle.loads(pickle.dumps(attack))  # the attack is a real one: it works where it is let
    assert mark.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickled_network_is_refused(tmp_path: Path, zipped: bool) -> None:
    torch.save(small_network(), tmp_path / "m.pth", _use_new_zipfile_serialization=zipped)
    sentence = refusal(tmp_path / "m.pth", UnsafeInputError)
    assert "pickled whole network" in sentence
    assert "SmallNetwork" in sentence
    assert "state_dict()" in sentence


def test_foreign_objects_are_named(tmp_path: Path) -> None:
    import decimal

    torch.save({"state_dict": {"a": torch.zeros(2)}, "lr": decimal.Decimal("0.1")}, tmp_path / "m.pth")
    assert "decimal.Decimal" in refusal(tmp_path / "m.pth", UnsafeInputError)


def test_a_tensor_that_claims_more_than_the_file_holds(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1).expand(1 << 40)}, tmp_path / "m.pth")
    assert "claims more values" in refusal(tmp_path / "m.pth", BadInputError)


def _torchscript(path: Path) -> Path:
    torch.jit.trace(small_network(), torch.zeros(1, 3, 8, 8)).save(str(path))
    return path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_code_needs_trust(tmp_path: Path) -> None:
    script = _torchscript(tmp_path / "m.pt")
    assert "only if you trust" in refusal(script, TrustNeededError)
    program = tmp_path / "m.pt2"
    torch.export.save(torch.export.export(small_network(), (torch.zeros(1, 3, 8, 8),)), program)
    assert "only if you trust" in refusal(program, TrustNeededError)
    mark = tmp_path / "executed"
    (tmp_path / "make.py").write_text(f"open({str(mark)!r}, 'w')\ndef make():\n    return None\n")
    assert "only if you trust" in refusal(f"{tmp_path / 'make.py'}:make", TrustNeededError)
    assert not mark.exists()
    zipped = write_zip(tmp_path / "m.zip", {"m.pt": script.read_bytes()}, zipfile.ZIP_STORED)
    assert "only if you trust" in refusal(zipped, TrustNeededError)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_trust_ends_where_the_contents_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "executed"
    code = tmp_path / "make.py"
    code.write_text(f"open({str(mark)!r}, 'w')\n{FACTORY}")
    agreed = sha256_of(code)
    code.write_text(f"{code.read_text()}# another one\n")
    assert "contents have changed" in refusal(f"{code}:make", OtherContentsError, trust=True, sha256=agreed)
    assert not mark.exists()
    assert load(f"{code}:make", trust=True, sha256=sha256_of(code)).source.sha256 == sha256_of(code)
    assert mark.exists()

    def ran(*_arguments: object) -> None:
        raise AssertionError("its code ran")

    monkeypatch.setattr(trusted, "open_torchscript", ran)
    monkeypatch.setattr(trusted, "open_exported_program", ran)
    (tmp_path / "folder").mkdir()
    script = _torchscript(tmp_path / "folder" / "m.pt")
    program = tmp_path / "m.pt2"
    torch.export.save(torch.export.export(small_network(), (torch.zeros(1, 3, 8, 8),)), program)
    zipped = write_zip(tmp_path / "m.zip", {"m.pt": script.read_bytes()}, zipfile.ZIP_STORED)
    for path in (script, script.parent, program, zipped):
        refusal(path, OtherContentsError, trust=True, sha256=agreed)


def test_other_contents_are_refused_where_no_code_runs_either(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "m.onnx")
    assert load(path, sha256=sha256_of(path)).source.sha256 == sha256_of(path)
    refusal(path, OtherContentsError, sha256="0" * 64)
    refusal("demo", OtherContentsError, sha256="0" * 64)


def test_encrypted_zips_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "m.zip", {"m.onnx": small_proto().SerializeToString()})
    data = bytearray(path.read_bytes())
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(marker) + offset] |= 1
    path.write_bytes(bytes(data))
    assert "encrypted" in refusal(path, UnsupportedError)
