"""A character map as SentencePiece compiles it: replacements of short strings in a double-array trie."""

import itertools
import struct
import unicodedata
from collections.abc import Mapping
from typing import Any

# `tokenizers` looks up a whole grapheme only where it has fewer bytes than this, otherwise each of its characters.
_LONGEST_GRAPHEME = 5
_LEAF = 1 << 31


def compile_charsmap(replacements: Mapping[str, str]) -> bytes:
    """Compile replacements for ``tokenizers.normalizers.Precompiled``.

    The layout: the trie's size in bytes, its 32-bit units, and the replacements, each ended by a zero byte.
    """
    texts, starts = bytearray(), {}
    for text in sorted(set(replacements.values())):
        starts[text] = len(texts)
        texts += text.encode() + b"\0"
    units = _double_array({key.encode(): starts[text] for key, text in replacements.items()})
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + bytes(texts)


def compositions(replaced: Mapping[str, str]) -> dict[str, str]:
    """The pairs of a letter and a mark that SentencePiece's NFKC rules compose, beyond characters in `replaced`.

    The rules know fully decomposed letters only, but every spelling of a mark. They list longer sequences too, which
    `tokenizers` never looks up.
    """
    canonical = {char: parts for char in map(chr, range(0x110000)) if (parts := _canonical(char))}
    spellings = {mark: [mark] for parts in canonical.values() for mark in parts[1:]}
    for char, parts in canonical.items():
        if len(parts) == 1 and parts in spellings:
            spellings[parts].append(char)
    return {
        parts[0] + mark: char
        for char, parts in canonical.items()
        if len(parts) == 2 and unicodedata.normalize("NFC", parts) == char
        for mark in spellings[parts[1]]
        if parts[0] not in canonical
        and parts[0] not in replaced
        and len((parts[0] + mark).encode()) <= _LONGEST_GRAPHEME
    }


def _canonical(char: str) -> str:
    """A character's canonical decomposition, one step of it; empty where it has none."""
    points = unicodedata.decomposition(char)
    return "" if points.startswith("<") else "".join(chr(int(point, 16)) for point in points.split())


def _double_array(starts: Mapping[bytes, int]) -> list[int]:
    """Lay out a trie so that the child of a node by byte b is at `base ^ b`, where `base` is the node's own.

    A unit holds its label in bits 0 to 7, whether a key ends there in bit 8, and its base, relative to its position,
    from bit 10; the unit at a base itself (byte 0) holds the value of the key that ends there.
    """
    root: dict[int, Any] = {}
    for key, start in starts.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = start

    units: dict[int, int] = {0: 0}
    bases: set[int] = set()
    base = 1
    queue = [(0, root)]
    for position, node in queue:
        # Bases far behind are nearly all taken: searching them again would cost more than the gaps are worth.
        base = next(
            candidate
            for candidate in itertools.count(max(1, base - 256))
            if candidate not in bases and not any(candidate ^ byte in units for byte in node)
        )
        bases.add(base)
        units[position] |= (position ^ base) << 10 | (0 in node) << 8
        for byte, child in node.items():
            units[base ^ byte] = byte if byte else child | _LEAF
            if byte:
                queue.append((base ^ byte, child))
    # A look-up may touch any unit of the last base's block.
    return [units.get(position, 0) for position in range((max(max(units), max(bases)) | 255) + 1)]
