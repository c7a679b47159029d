"""A file of Python: what it does, what it imports, and the parts that have a name."""

from __future__ import annotations

import pytest

from pipeline.code import source

FILE = """
import os
from a import b

LIMIT = 1


def first():
    from late import name


class Kind(Base):
    size = 1

    def act(self): ...

    @property
    def word(self): ...
"""


@pytest.fixture
def read(tmp_path):
    def read(text: str) -> source.Source:
        file = tmp_path / "file.py"
        file.write_text(text)
        return source.read(file)

    return read


def test_the_parts_are_named_as_a_person_would_search_for_them(read):
    assert list(read(FILE).parts) == [
        *("module level", "first()", "Kind", "Kind.act()", "Kind.word()")
    ]


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("LIMIT = 1", "LIMIT = 2", "module level"),
        ("late import name", "late import names", "first()"),
        ("size = 1", "size = 2", "Kind"),
        ("Kind(Base)", "Kind(Other)", "Kind"),
        ("def act(self)", "def act(self, now)", "Kind.act()"),
        ("@property", "@cached", "Kind.word()"),
    ],
)
def test_a_change_is_in_one_part(read, old, new, part):
    before, after = read(FILE).parts, read(FILE.replace(old, new)).parts

    assert [name for name in before if before[name] != after[name]] == [part]


def test_imports_are_found_anywhere(read):
    assert read(FILE).imports == {"os", "a", "a.b", "late", "late.name"}


def test_prose_alone_does_nothing(read):
    assert read('"""A package."""\n\n# A remark.\n').digest == ""


@pytest.mark.parametrize(
    "text", ["x = '", "\ud800", "a\0b"], ids=["open", "odd", "nul"]
)
def test_what_is_not_python_is_refused_by_name(tmp_path, text):
    file = tmp_path / "file.py"
    file.write_text(text, errors="surrogatepass")

    with pytest.raises(source.UsageError, match=r"file\.py.*is not Python"):
        source.read(file)
