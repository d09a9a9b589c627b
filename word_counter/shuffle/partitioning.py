"""Partitioning: how keys are grouped, which partition owns a key, and how partials are written as JSON.

A key is grouped by its *group key*. The group key of a string is the string; that of any other key is the bytes of its
compact JSON text. So ``1``, ``1.0``, ``True`` and ``"1"`` are four keys, as they are in JSON, though three of them are
equal in Python. And group keys can be compared, hashed and printed without a look-up.

A partial is readable JSON: an object when all its keys are strings, else a list of ``[key, value]`` pairs. The value is
one combined value when the reducer folds, else the list of the key's values.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import mmh3

from word_counter.errors import EncodingError, InvalidTextError
from word_counter.job.json_order import conversion_of
from word_counter.job.reducer import GroupKey
from word_counter.native.kernel import encode_counts

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=True).encode
#: How many characters of a key an error shows.
_SHOWN_CHARS = 200
#: Takes a key and the number of partitions; returns the partition of the key.
PartitionOf = Callable[[Any, int], int]
_PLAIN = frozenset((int, str, bool, type(None)))
_SCALARS = _PLAIN | {float}
#: Equal tuples of these types have the same JSON text. Not so with floats and booleans: 1, 1.0 and True are equal.
PLAIN_PARTS = frozenset((int, str, type(None)))


def compact(value: Any) -> str:
    """Return the compact JSON text of a value; ValueError or TypeError when JSON has none."""
    return _encode(value)


def canonical(key: Any) -> GroupKey:
    """Return the group key of a key.

    Raises:
        EncodingError: the key is neither a JSON scalar nor a tuple of them, or is not a finite number.
    """
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, tuple):
        if not (
            _SCALARS.issuperset(map(type, key))
            or all(part is None or isinstance(part, str | int | float) for part in key)
        ):
            raise _bad_key(key)
    elif key is not None and not isinstance(key, int | float):
        raise _bad_key(key)
    try:
        return _encode(key).encode()
    except UnicodeEncodeError:
        raise invalid_text(f"the key {shown(key)}") from None
    except ValueError:
        raise _bad_key(key) from None


def invalid_text(what: str) -> InvalidTextError:
    """Return the error about a key or a value of which some text has a lone surrogate."""
    return InvalidTextError(
        f"{what} is not valid Unicode text: it has a lone surrogate, half of a character, as \\ud83d alone in JSON is"
    )


def check_texts(key: Any, value: Any) -> None:
    """Raise InvalidTextError when some text in a key or a value has a lone surrogate."""
    try:
        _encode_texts(key)
    except UnicodeEncodeError:
        raise invalid_text(f"the key {shown(key)}") from None
    try:
        _encode_texts(value)
    except UnicodeEncodeError:
        raise invalid_text(f"the value {shown(value)} for the key {shown(key)}") from None


def _encode_texts(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii():
            value.encode()
    elif isinstance(value, dict):
        for key, inner in value.items():
            _encode_texts(key)
            _encode_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _encode_texts(inner)


def _bad_key(key: Any) -> EncodingError:
    parts = key if isinstance(key, tuple) else (key,)
    conversion = next(filter(None, map(conversion_of, parts)), "; convert it with tuple(...)" * isinstance(key, list))
    return EncodingError(
        f"the key {shown(key)} ({type(key).__name__}) is neither a JSON scalar (text, a finite number, true, "
        f"false, null) nor a tuple of them{conversion}"
    )


def shown(value: Any) -> str:
    """Return a value as an error shows it: shortened when it is long, and even if its repr raises."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 (a whole number of 5,000 digits raises, and user code may)
        return f"({type(value).__name__} that cannot be shown: {error})"
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."


def restore(group: GroupKey) -> Any:
    """Return the key that a group key stands for."""
    if isinstance(group, str):
        return group
    key = json.loads(group)
    return tuple(key) if isinstance(key, list) else key


def key_text(group: GroupKey) -> str:
    """Return the text under which a key appears in the results."""
    return group if isinstance(group, str) else group.decode()


def partition_of(group: GroupKey, partitions: int) -> int:
    """Return the partition that owns a key: 32-bit MurmurHash3 (A. Appleby) of its UTF-8 text, modulo.

    Unlike ``hash``, it is the same on every machine and in every process.
    """
    text = group.encode() if isinstance(group, str) else group  # mmh3 itself would crash on a lone surrogate
    return mmh3.hash(text, 0, signed=False) % partitions


def check_value(value: Any) -> None:
    """Raise TypeError or ValueError unless JSON holds ``value`` exactly (a tuple may become a list).

    json.dumps alone would quietly turn a dict's int keys into text.
    """
    if value.__class__ in _PLAIN:
        return
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                message = f"a dict in it has the key {shown(key)}, which is not text; use str(...)"
                raise TypeError(message)
        _check_items(value.values())
    elif isinstance(value, list | tuple):
        _check_items(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            message = f"{value} is not a finite number"
            raise ValueError(message)
    elif not isinstance(value, int | str):
        message = f"{type(value).__name__} is not a JSON type{conversion_of(value)}"
        raise TypeError(message)


def _check_items(items: Iterable[Any]) -> None:
    for item in items:
        if item.__class__ not in _PLAIN:
            check_value(item)


def encode_partials(
    groups: Mapping[GroupKey, Any], partitions: int, who: str, partition: PartitionOf | None = None
) -> dict[int, str]:
    """Return the partials of a chunk by partition, as JSON text. Partitions without pairs are left out.

    Raises:
        EncodingError: JSON cannot hold a key or value; the error names the key, and ``who`` yielded it. Or the job's
            own ``partition`` returned no valid number.
    """
    try:
        encoded = encode_counts(groups, partitions) if partition is None else None
        return encode_plainly(groups, partitions, partition) if encoded is None else encoded
    except (TypeError, ValueError, RecursionError) as error:
        raise _locate(groups, who, error) from error


def encode_plainly(
    groups: Mapping[GroupKey, Any], partitions: int, partition: PartitionOf | None = None
) -> dict[int, str]:
    """Do the same as :func:`encode_partials` in Python, for any keys and values; errors of json are not translated."""
    shares: dict[int, dict[GroupKey, Any]] = {}
    for key, value in groups.items():
        if value.__class__ not in _PLAIN:
            check_value(value)
        number = partition_of(key, partitions) if partition is None else _chosen(partition, key, partitions)
        share = shares.get(number)
        if share is None:
            share = shares[number] = {}
        share[key] = value
    return {number: _partial_text(share) for number, share in shares.items()}


def _chosen(partition: PartitionOf, group: GroupKey, partitions: int) -> int:
    key = restore(group)
    number = partition(key, partitions)
    if number.__class__ is not int or not 0 <= number < partitions:
        message = f"partition({shown(key)}, {partitions}) gave {number!r}, which is none of 0 to {partitions - 1}"
        raise EncodingError(message)
    return number


def _partial_text(groups: Mapping[GroupKey, Any]) -> str:
    if all(key.__class__ is str for key in groups):
        text = _encode(groups)
    else:
        keys = (_encode(key) if key.__class__ is str else key_text(key) for key in groups)
        text = f"[{','.join(f'[{key},{_encode(value)}]' for key, value in zip(keys, groups.values(), strict=True))}]"
    text.encode()  # only this raises for a lone surrogate
    return text


def _locate(groups: Mapping[GroupKey, Any], who: str, error: Exception) -> EncodingError:
    """Find the pair that could not be encoded, and return an error that names it."""
    for key, value in groups.items():
        try:
            key_text(key).encode()
        except UnicodeEncodeError:
            return invalid_text(f"{who} yielded a bad pair: the key {shown(key)}")
        try:
            check_value(value)
            _encode(value).encode()
        except UnicodeEncodeError:
            return invalid_text(
                f"{who} yielded a bad pair: the value {shown(value)} for the key {shown(key_text(key))}"
            )
        except (TypeError, ValueError, RecursionError) as cause:
            return EncodingError(
                f"{who} yielded for the key {shown(key_text(key))} a value that JSON cannot hold: {cause}"
            )
    return EncodingError(f"{who} yielded what JSON cannot hold: {error}")  # pragma: no cover (no pair alone fails)


def decode_partial(text: str | bytes) -> Iterable[tuple[GroupKey, Any]]:
    """Return the pairs of group key and intermediate value in a partial's JSON text; ValueError when it is not one."""
    content = json.loads(text)
    if isinstance(content, dict):
        return content.items()
    if not isinstance(content, list):
        message = "a partial is a JSON object or list"
        raise ValueError(message)  # noqa: TRY004 (the text is at fault, not a caller's type)
    return _pairs(content)


def _pairs(content: list[Any]) -> Iterator[tuple[GroupKey, Any]]:
    for key, value in content:
        yield canonical(tuple(key) if isinstance(key, list) else key), value
