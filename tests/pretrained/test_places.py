"""Where models lie, and which addresses are those of a mirror."""

import pytest

from tests.pretrained.fake_mirrors import home
from zoo.errors import ZooError
from zoo.pretrained import places, release

__all__ = ["home"]


def test_the_cache_is_the_users_choice_or_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ZOO_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert places.home() == tmp_path / ".cache" / "gradient-zoo" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert places.home() == tmp_path / "xdg" / "gradient-zoo" / "models"
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "mine"))
    assert places.home() == tmp_path / "mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", "mine")
    assert places.home() == tmp_path / "mine"


@pytest.mark.parametrize(
    ("value", "offline"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)]
)
def test_offline(value, offline, monkeypatch):
    if value is None:
        monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    else:
        monkeypatch.setenv("ZOO_OFFLINE", value)
    assert places.offline() == offline


def test_the_mirror_that_is_given_comes_before_the_variables_and_the_releases(home, monkeypatch):
    assert places.mirror() is None
    monkeypatch.setattr(release, "MIRROR", "https://release.example/zoo/")
    assert places.mirror() == places.of_release() == "https://release.example/zoo"
    monkeypatch.setenv("ZOO_MIRROR", "")
    assert places.mirror() == "https://release.example/zoo"
    monkeypatch.setenv("ZOO_MIRROR", "http://named.example")
    assert places.mirror() == "http://named.example"
    assert places.mirror("http://given.example") == "http://given.example"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://a.example/zoo//", "https://a.example/zoo"),
        ("HTTP://a.example:8000", "http://a.example:8000"),
        ("http://[::1]:8000/zoo", "http://[::1]:8000/zoo"),
        ("file:///a/b%20c/", "/a/b c"),
        ("file://localhost/a", "/a"),
        ("/a/b/", "/a/b"),
        ("./a:b", "{here}/a:b"),
        ("mirror", "{here}/mirror"),
    ],
)
def test_an_address_has_one_form(text, address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert places.address(text, "--mirror") == address.format(here=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://a.example/zoo", "gopher://a.example", "data:text/plain,x", "javascript:x", "s3://a/b",
        "FTP://a.example", "http:a.example", "http://", "https:///zoo", "http://a.example:x",
        "http://a.example:99999999", "http://[::1", "https://a.example/zoo?version=1",
        "https://a.example/#top", "file://elsewhere/a", "file:a", "file:///a%00b", " ", "a\nb",
        "\0",
    ],
)  # fmt: skip
def test_any_other_address_is_refused_in_one_line(text, monkeypatch):
    with pytest.raises(ZooError) as caught:
        places.mirror(text)
    line = str(caught.value)
    assert line.startswith("--mirror: ") and line.isprintable()
    assert line.endswith("a mirror's address is https://, http://, file:// or the path of a folder")
    monkeypatch.setenv("ZOO_MIRROR", text.replace("\0", "\x01"))
    if text.strip():
        with pytest.raises(ZooError, match=r"^ZOO_MIRROR: "):
            places.mirror()


def test_a_password_is_not_shown():
    with_one = "https://me:secret@a.example/zoo"
    assert places.without_password(with_one) == "https://a.example/zoo"
    assert places.without_password("/a/b@c") == "/a/b@c"
    with pytest.raises(ZooError) as caught:
        places.address(f"{with_one}?x", "--mirror")
    assert "secret" not in str(caught.value)
    assert places.kept_registry(with_one) == places.kept_registry("https://a.example/zoo")
