from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from infra.bundling import BundlingError, Target, bundle
from tests.infra.conftest import ROOT

NATIVE = Target.native()


@pytest.fixture(scope="session")
def wheels() -> Path:
    """The wheels of this machine, installed once."""
    bundle(ROOT, NATIVE)
    return ROOT / "build" / "packages"


@pytest.fixture
def house(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project with those wheels, on a machine that reaches nothing and has no cache."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    return make_house(tmp_path / "house", wheels)


def make_house(folder: Path, wheels: Path) -> Path:
    for source in ("functions", "tiro"):
        (folder / source / "inner").mkdir(parents=True)
        (folder / source / "__init__.py").write_text('WORDS = {"one", "two", "three"}\n')
        (folder / source / "inner" / "data.txt").write_text("data")
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copytree(wheels, folder / "build" / "packages", copy_function=os.link)
    return folder


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


def test_the_same_inputs_make_the_same_bytes(house: Path, wheels: Path, tmp_path: Path) -> None:
    elsewhere = make_house(tmp_path / "elsewhere", wheels)
    (elsewhere / "tiro" / "__pycache__").mkdir()
    (elsewhere / "tiro" / "__pycache__" / "stray.pyc").touch()
    assert bundle(house, NATIVE).read_bytes() == bundle(elsewhere, NATIVE).read_bytes()


def test_nothing_is_done_twice(house: Path) -> None:
    made = bundle(house, NATIVE).stat()
    again = bundle(house, NATIVE).stat()
    assert (again.st_ino, again.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


def test_every_change_of_ours_goes_in(house: Path) -> None:
    module = house / "tiro" / "new.py"
    module.write_text("# added\n")
    added = names(bundle(house, NATIVE))
    module.rename(house / "tiro" / "renamed.py")
    renamed = names(bundle(house, NATIVE))
    assert "tiro/new.py" in added
    assert "tiro/new.py" not in renamed
    assert "tiro/renamed.py" in renamed


def test_bytecode_travels_along_and_names_no_folder_of_this_machine(house: Path) -> None:
    with zipfile.ZipFile(bundle(house, NATIVE)) as archive:
        [ours] = [name for name in archive.namelist() if name.startswith("tiro/__pycache__/")]
        assert str(house).encode() not in archive.read(ours)


def test_what_cannot_be_had_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "functions.txt").write_text(f"nothing==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BundlingError, match="nothing"):
        bundle(tmp_path, NATIVE)
    assert not list((tmp_path / "build" / "packages").iterdir())


def test_what_does_not_compile_is_said(house: Path) -> None:
    (house / "tiro" / "wrong.py").write_text("def\n")
    with pytest.raises(BundlingError, match=r"wrong\.py"):
        bundle(house, NATIVE)
