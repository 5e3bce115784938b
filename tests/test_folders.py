import os

import pytest

from ecg_anomaly.folders import files_below


def everything(folder):
    return sorted(str(file.relative_to(folder)) for file in files_below(folder, lambda _: True))


def test_files_at_any_depth(tmp_path):
    deep = tmp_path
    for _ in range(3):
        deep = deep / "d"
        deep.mkdir()
        (deep / "f").touch()
    (tmp_path / "g").touch()
    assert everything(tmp_path) == ["d/d/d/f", "d/d/f", "d/f", "g"]
    assert [file.name for file in files_below(tmp_path, lambda file: file.name == "g")] == ["g"]


def test_links_to_folders_are_not_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "f")
    assert everything(tmp_path) == ["a/f", "link"]


def test_a_folder_that_cannot_be_searched_is_named(tmp_path, monkeypatch):
    (tmp_path / "shut").mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError) as caught:
        everything(tmp_path)
    assert caught.value.filename == str(tmp_path / "shut")
    with pytest.raises(FileNotFoundError):
        everything(tmp_path / "none")
