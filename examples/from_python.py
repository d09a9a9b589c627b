"""A job run from Python: `python examples/from_python.py examples/logs/`.

The workers of the run import the module of the job class, as this file does. If the class were in this file, they would
import this one: the guard at the end keeps them from running the job again.
"""

import sys

from my_job import Levels

from word_counter import Failure, Observer, Outcome, Progress, WordCounterError, run


class Retries(Observer):
    """Follows the run, and keeps what was tried again."""

    def __init__(self) -> None:
        self.retries: list[str] = []
        self.lines = 0

    def retried(self, failure: Failure, after_seconds: float) -> None:  # noqa: ARG002 (the observer's signature)
        self.retries.append(f"{failure.task}: {failure.message}")

    def progressed(self, progress: Progress) -> None:
        self.lines = progress.lines


def main(inputs: list[str]) -> None:
    """Run the job over inputs and print its outcome."""
    observer = Retries()
    try:
        outcome: Outcome = run(inputs, Levels, observer=observer, output="output/levels.json", workers=2)
    except WordCounterError as error:
        sys.exit(f"no result: {error}")
    for key, lines in outcome.largest:
        print(f"{lines:6,} {key}")
    print(f"{outcome.lines} lines in {outcome.files} files, {len(observer.retries)} retries: {outcome.output}")


if __name__ == "__main__":
    main(sys.argv[1:])
