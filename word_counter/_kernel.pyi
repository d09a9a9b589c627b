from collections.abc import Callable, Iterable, Mapping
from typing import Any

from typing_extensions import Buffer

def count(chunk: Buffer, /) -> tuple[dict[str, int], dict[bytes, int]]: ...
def gather(
    way: str,
    pairs: Iterable[Any],
    into: dict[str | bytes, Any],
    canonical: Callable[[Any], str | bytes],
    other: Callable[[Any], object],
    /,
) -> None: ...
def encode_counts(groups: Mapping[str | bytes, object], partitions: int, /) -> dict[int, str] | None: ...
