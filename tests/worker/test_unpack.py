"""Archives, honest and hostile."""

import os
import stat
import struct
import zipfile

import pytest
from sandbox import R_UNPACKED, UNPACK, mechanisms

OK, INVALID, DENIED, TOO_LARGE = 0, 2, 6, 8
# enum err_kind: ERR_INVALID, ERR_DENIED, ERR_TOO_LARGE


def entry(z, name, data=b"", mode=0o100644, **attrs):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    for k, v in attrs.items():
        setattr(info, k, v)
    z.writestr(info, data)


@pytest.fixture
def unpack(start, folder):
    def run(archive, **limits):
        target = folder / "out"
        target.mkdir(mode=0o755)
        if os.geteuid() == 0:
            os.chown(target, 265535, 265535)
        a = os.open(archive, os.O_RDONLY)
        d = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
        w = start(UNPACK, mechanisms(), uid=265535, extra_fds=[a, d],
                  **limits)
        os.close(a)
        os.close(d)
        return w.report(R_UNPACKED), target
    return run


def archive(folder, *entries, compression=zipfile.ZIP_DEFLATED):
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", compression) as z:
        for e in entries:
            entry(z, *e)
    return path


def test_files_folders_modes_and_links(unpack, folder):
    path = archive(
        folder, ("app.py", b"print(1)", 0o100600), ("bin/run", b"#!", 0o100700),
        ("empty/", b"", 0o040700), ("./a//b/c", b"x"),
        ("lib/l", b"../app.py", 0o120777), ("n\u00e4me", b"u"))
    report, out = unpack(path)
    assert (report.value, report.bytes) == (OK, 12), report
    modes = {str(p.relative_to(out)): oct(p.lstat().st_mode)
             for p in out.rglob("*")}
    assert modes == {
        "app.py": "0o100644", "bin": "0o40755", "bin/run": "0o100755",
        "empty": "0o40755", "a": "0o40755", "a/b": "0o40755",
        "a/b/c": "0o100644", "lib": "0o40755", "lib/l": "0o120777",
        "n\u00e4me": "0o100644"}
    assert (out / "lib/l").read_text() == "print(1)"
    if os.geteuid() == 0:
        assert (out / "app.py").stat().st_uid == 265535


HOSTILE = {
    "absolute": [("/etc/x", b"")],
    "up": [("../x", b"")],
    "up inside": [("a/../../x", b"")],
    "up that stays": [("a/../x", b"")],
    "link to root": [("l", b"/etc", 0o120777)],
    "link up": [("l", b"../x", 0o120777)],
    "link up later": [("a/l", b"b/../../../x", 0o120777)],
    "link up at the end": [("a/l", b"../..", 0o120777)],
    "through a link": [("d", b"a", 0o120777), ("a/", b"", 0o040755),
                       ("d/x", b"")],
    "over a link": [("a", b""), ("l", b"a", 0o120777), ("l", b"y")],
    "set-user-id": [("s", b"", 0o104755)],
    "set-group-id": [("s", b"", 0o102755)],
    "device": [("d", b"", 0o020666)],
    "file in a file": [("a", b""), ("a/b", b"")],
    "long name": [("n" * 300, b"")],
    "deep": [("d/" * 100 + "x", b"")],
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_entries_are_refused(unpack, folder, what):
    report, out = unpack(archive(folder, *HOSTILE[what]))
    assert report.value == DENIED, report
    assert not (folder / "x").exists()


@pytest.mark.parametrize("data", [
    b"", b"PK", b"not a zip at all" * 99, b"PK\x05\x06" + bytes(10),
    b"\x1f\x8b" + bytes(100)], ids=range(5))
def test_what_is_no_zip_is_told_so(unpack, folder, data):
    (folder / "a.zip").write_bytes(data)
    report, _ = unpack(folder / "a.zip")
    assert report.value == INVALID, report
    assert "not a zip" in report.text


def test_an_empty_zip_is_none(unpack, folder):
    report, _ = unpack(archive(folder))
    assert report.value == INVALID


def test_a_fifo_becomes_no_fifo(unpack, folder):
    report, out = unpack(archive(folder, ("f", b"", 0o010666)))
    assert report.value != OK or (out / "f").is_file()


def test_a_broken_one_is_told_so(unpack, folder):
    path = archive(folder, ("a", os.urandom(100000)),
                   compression=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    report, _ = unpack(path)
    assert report.value == INVALID and "broken" in report.text


def test_a_bomb_of_bytes_ends_at_the_limit(unpack, folder):
    path = archive(folder, *((f"f{i}", bytes(1 << 20)) for i in range(9)))
    report, out = unpack(path, most_bytes=4 << 20)
    assert report.value == TOO_LARGE, report
    assert sum(f.stat().st_size for f in out.iterdir()) <= 4 << 20


def test_a_bomb_of_entries_ends_at_the_limit(unpack, folder):
    path = archive(folder, *((f"f{i}", b"") for i in range(50)))
    report, out = unpack(path, most_entries=10)
    assert report.value == TOO_LARGE
    assert len(list(out.iterdir())) == 10


def test_the_limits_themselves_are_allowed(unpack, folder):
    path = archive(folder, *((f"f{i}", bytes(1000)) for i in range(10)))
    report, _ = unpack(path, most_entries=10, most_bytes=10000)
    assert (report.value, report.bytes) == (OK, 10000)


def test_a_size_that_lies_does_not_help(unpack, folder):
    path = archive(folder, ("a", bytes(1 << 20)))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    struct.pack_into("<I", data, 22, 10)
    path.write_bytes(data)
    report, out = unpack(path, most_bytes=100)
    assert report.value in (INVALID, TOO_LARGE), report
    assert stat.S_ISDIR(out.stat().st_mode)
