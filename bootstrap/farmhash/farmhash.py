"""Google's FarmHash, as far as TensorFlow Data Validation calls it.

PyPI's pyfarmhash is C++ source without a wheel: the only package of the lock that needs
a compiler and Python's headers, for two functions of two experimental features of TFDV
(skew of features, partitions of features) that import it whenever TFDV is imported.
Both are here with the same results. The 64-bit one is TensorFlow's own; the 32-bit one
follows Google's farmhash.cc (namespace farmhashmk; MIT licence, (c) 2014 Google, Inc.).
"""

from __future__ import annotations

import struct

_C1, _C2, _C3 = 0xCC9E2D51, 0x1B873593, 0xE6546B64
_MASK = 0xFFFFFFFF


def fingerprint64(data: str | bytes) -> int:
    """FarmHash's Fingerprint64 of the bytes, or of the text in UTF-8."""
    import tensorflow as tf

    return int.from_bytes(tf.fingerprint([data])[0].numpy().tobytes(), "little")


def fingerprint32(data: str | bytes) -> int:
    """FarmHash's Fingerprint32 of the bytes, or of the text in UTF-8."""
    text = data.encode() if isinstance(data, str) else data
    if len(text) <= 4:
        return _up_to_4(text)
    if len(text) <= 12:
        return _up_to_12(text)
    return _up_to_24(text) if len(text) <= 24 else _longer(text)


def _up_to_4(text: bytes) -> int:
    b, c = 0, 9
    for byte in struct.unpack(f"{len(text)}b", text):
        b = (b * _C1 + byte) & _MASK
        c ^= b
    return _final(_mix(b, _mix(len(text), c)))


def _up_to_12(text: bytes) -> int:
    size = len(text)
    a = size + _word(text, 0)
    b = 5 * size + _word(text, size - 4)
    c = 9 + _word(text, (size >> 1) & 4)
    return _final(_mix(c, _mix(b, _mix(a, 5 * size))))


def _up_to_24(text: bytes) -> int:
    size, half = len(text), len(text) >> 1
    a, b, c = _word(text, half - 4), _word(text, 4), _word(text, size - 8)
    d, e, f = _word(text, half), _word(text, 0), _word(text, size - 4)
    h = d * _C1 + size
    a = _rotated(a, 12) + f
    h = _mix(c, h) + a
    a = _rotated(a, 3) + c
    h = _mix(e, h) + a
    a = _rotated(a + f, 12) + d
    return _final(_mix(b, h) + a)


def _longer(text: bytes) -> int:
    size = len(text)
    h, g, f = size, _C1 * size, _C1 * size
    ends = [
        _rotated(_word(text, size - back) * _C1, 17) * _C2
        for back in (4, 8, 16, 12, 20)
    ]
    h = _step(_step(h ^ ends[0] & _MASK) ^ ends[2] & _MASK)
    g = _step(_step(g & _MASK ^ ends[1] & _MASK) ^ ends[3] & _MASK)
    f = _rotated(f + ends[4], 19) + 113
    for start in range(0, (size - 1) // 20 * 20, 20):
        a, b, c, d, e = struct.unpack_from("<5I", text, start)
        h, g, f = h + a, g + b, f + c
        h = _mix(d, h) + e
        g = _mix(c, g) + a
        f = _mix(b + e * _C1, f) + d
        f += g
        g += f
    g = _rotated(_rotated(g, 11) * _C1, 17) * _C1
    f = _rotated(_rotated(f, 11) * _C1, 17) * _C1
    for other in (g, f):
        h = _rotated(h + other, 19) * 5 + _C3
        h = _rotated(h, 17) * _C1
    return h & _MASK


def _word(text: bytes, start: int) -> int:
    return int.from_bytes(text[start : start + 4], "little")


def _rotated(value: int, right: int) -> int:
    value &= _MASK
    return (value >> right | value << (32 - right)) & _MASK


def _step(value: int) -> int:
    return (_rotated(value, 19) * 5 + _C3) & _MASK


def _mix(a: int, h: int) -> int:
    """Murmur3's way to combine two 32-bit values."""
    a = _rotated(a * _C1, 17) * _C2
    return _step((h ^ a) & _MASK)


def _final(h: int) -> int:
    h &= _MASK
    h = (h ^ h >> 16) * 0x85EBCA6B & _MASK
    h = (h ^ h >> 13) * 0xC2B2AE35 & _MASK
    return h ^ h >> 16
