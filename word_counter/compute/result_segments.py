"""Result segments: the JSON texts that reduce tasks give, of one result or of many together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from word_counter.errors import EncodingError
from word_counter.job.reducer import GroupKey, Reducer
from word_counter.shuffle.partitioning import check_value, compact, invalid_text, restore

#: About how many characters a segment of results has.
SEGMENT_CHARS = 128 * 1024


def result_text(reducer: Reducer, key: Any, value: Any) -> str:
    """Return the JSON text of a result; EncodingError when JSON cannot hold it."""
    try:
        check_value(value)
        text = compact(value)
        text.encode()  # only this raises for a lone surrogate
    except UnicodeEncodeError:
        raise invalid_text(f"what {type(reducer).__name__} returned for the key {key!r}") from None
    except (TypeError, ValueError, RecursionError) as error:
        message = f"{type(reducer).__name__} returned for the key {key!r} a value that JSON cannot hold: {error}"
        raise EncodingError(message) from error
    return text


def segments_of(results: Iterable[tuple[str, GroupKey, str]], brackets: str) -> Iterator[str]:
    """Yield JSON texts of results: objects, or, with the brackets ``[]``, lists of pairs with keys of any type."""
    opening, closing = brackets[0], brackets[1]
    entries: list[str] = []
    chars = 0
    last: tuple[str, GroupKey] | None = None
    for text, group, result in results:
        if opening == "[":
            entries.append(f"[{compact(text) if isinstance(group, str) else text},{result}]")
        else:
            if last is not None and last[0] == text:
                raise _two_keys(text, last[1], group)
            last = text, group
            entries.append(f"{compact(text)}:{result}")
        chars += len(entries[-1])
        if chars >= SEGMENT_CHARS:
            yield opening + ",".join(entries) + closing
            entries.clear()
            chars = 0
    if entries:
        yield opening + ",".join(entries) + closing


def _two_keys(text: str, *groups: GroupKey) -> EncodingError:
    kinds = " and ".join(sorted(type(restore(group)).__name__ for group in groups))
    return EncodingError(
        f"two keys would both appear as {text!r} in the results ({kinds}); let the mapper yield one kind"
    )
