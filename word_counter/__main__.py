"""``python -m word_counter``."""

from __future__ import annotations

from word_counter.cli import main

if __name__ == "__main__":
    main()
