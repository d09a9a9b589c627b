"""Records on every engine: a job says what they are, and gets them however its input is cut and transported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contract.conftest import EngineUnderTest
from tests.jobs import People

TABLE = 'city,people\n"Bern\n(the city)",1\nRome,2\n\nRome,3\n"Bern\n(the city)",4\n'


@pytest.mark.parametrize("transport", ["auto", "inline"])
@pytest.mark.parametrize("chunk_size", [1, 2, 100])
def test_a_job_says_what_its_records_are(
    engine: EngineUnderTest, folder: Path, transport: str, chunk_size: int
) -> None:
    (folder / "a.csv").write_text("\ufeff" + TABLE.replace("\n", "\r\n"))
    (folder / "b.csv").write_text("people,city\n7,Rome\n")

    results = engine.results([folder / "a.csv", folder / "b.csv"], People, transport=transport, chunk_size=chunk_size)

    assert json.loads(results) == {"Bern\n(the city)": 5, "Rome": 12}
