"""Words by DuckDB: one SQL query over the lines."""

from __future__ import annotations

import duckdb

from benchmarks.peers.answer import CLASSES_RULE, asked, write

_QUERY = """
SELECT nfc_normalize(lower(nfc_normalize(word))) AS key, count(*) FROM (
    SELECT unnest(regexp_extract_all(line, ?)) AS word
    FROM read_csv(?, columns = {'line': 'VARCHAR'}, delim = '\x01', quote = '', escape = '', header = false)
) GROUP BY key
"""


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    with duckdb.connect(config={"threads": workers}) as connection:
        write(dict(connection.execute(_QUERY, [CLASSES_RULE, corpus]).fetchall()), results)


if __name__ == "__main__":
    main()
