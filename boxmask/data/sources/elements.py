"""XML cut into elements that know which bytes of the file they are.

Files come from anywhere: a document that declares an entity is refused, so that none can be
expanded without end or fetched from elsewhere.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from boxmask.data.sources.origin import text_of
from boxmask.errors import InputError

_CHUNK = 1 << 20  # bytes that are parsed at once
_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")


@dataclass(eq=False)
class Element:
    """An element, with what is inside it, and where it lies in the file."""

    tag: str
    attributes: dict[str, str]
    start: int
    end: int = 0
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, *tags: str) -> list["Element"]:
        """List the children with one of these tags, in order."""
        return [child for child in self.children if child.tag in tags]

    def find(self, tag: str) -> "Element | None":
        """Return the first child with a tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def value(self, tag: str) -> str | None:
        """Return the text of the first child with a tag."""
        child = self.find(tag)
        return None if child is None else child.text.strip()


def root_of(head: bytes) -> str:
    """Return the tag of the root of an XML file that begins so; empty if it is none."""
    if not head.lstrip().startswith(b"<"):
        return ""
    found = _ROOT.search(re.sub(rb"<!--.*?-->", b"", head, flags=re.DOTALL))
    return found[1].decode() if found else ""


def elements(data: bytes, tag: str, name: str) -> Iterator[Element]:
    """Yield each outermost element with a tag, whole, as the file is read.

    InputError, with `name` and the line, tells where the file is no usable XML.
    """
    collector = _Collector(data, tag)
    parser = collector.parser
    try:
        for first in range(0, max(len(data), 1), _CHUNK):
            parser.Parse(data[first : first + _CHUNK], first + _CHUNK >= len(data))
            yield from collector.take()
    except expat.ExpatError as error:
        lines = data.split(b"\n")[error.lineno - 1 : error.lineno]
        line = b"".join(lines)[:80].decode("utf-8", "replace")
        raise InputError(
            f"{name}: the XML is broken at line {error.lineno}: {expat.ErrorString(error.code)}, "
            f"in {line!r}. Mend it, or export it again."
        ) from error
    except (LookupError, ValueError) as error:
        raise InputError(
            f"{name}: the XML says that it is in an encoding that cannot be read ({error}); save "
            "it as UTF-8."
        ) from error
    except _Refused:
        raise InputError(
            f"{name}: the XML declares an entity at line {parser.CurrentLineNumber}, and no "
            "annotations need one. Take the declaration out."
        ) from None


class _Collector:
    """Has a parser put the outermost elements with a tag together."""

    def __init__(self, data: bytes, tag: str) -> None:
        self._data, self._tag = data, tag
        self._open: list[Element] = []
        self._whole: list[Element] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.CharacterDataHandler = self._text
        self.parser.EndElementHandler = self._end
        self.parser.EntityDeclHandler = _refuse

    def take(self) -> list[Element]:
        """Return the elements that have become whole since the last call."""
        whole, self._whole = self._whole, []
        return whole

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open and tag != self._tag:
            return
        opening = _TAG.match(self._data, self.parser.CurrentByteIndex)
        end = opening.end() if opening and opening[0].endswith(b"/>") else 0
        element = Element(tag, attributes, self.parser.CurrentByteIndex, end)
        if self._open:
            self._open[-1].children.append(element)
        self._open.append(element)

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def _end(self, tag: str) -> None:
        if not self._open:
            return
        element = self._open.pop()
        if not element.end:  # one with an end tag of its own
            closing = _TAG.match(self._data, self.parser.CurrentByteIndex)
            element.end = closing.end() if closing else self.parser.CurrentByteIndex
        if not self._open:
            self._whole.append(element)


def without(data: bytes, start: int, end: int, inner: Sequence[Element]) -> str:
    """Return a part of a file without some elements inside it: nothing else of it is left out."""
    kept = []
    for element in inner:
        kept.append(data[start : element.start])
        start = element.end
    return text_of(b"".join([*kept, data[start:end]]))


class _Refused(Exception):
    """An entity was declared."""


def _refuse(*declaration: object) -> None:
    raise _Refused
