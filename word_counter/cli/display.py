"""What a person sees of a run, on standard error."""

from __future__ import annotations

import click

from word_counter.observer import Observer, Outcome


class Display(Observer):
    def __enter__(self) -> Display:
        return self

    def __exit__(self, *a: object) -> None: ...

    def started(self, job_id: str, hint: str) -> None:
        click.echo(f"job {job_id} {hint}", err=True)

    def warned(self, message: str) -> None:
        click.echo(f"warning: {message}", err=True)

    def printed(self, line: str) -> None:
        click.echo(line, err=True)

    def retried(self, task: str, reason: str, after_seconds: float) -> None:
        click.echo(f"retry {task} {reason}", err=True)

    def summarise(self, outcome: Outcome) -> None:
        click.echo(str(outcome), err=True)


def make_display(kind: str, *, verbose: bool) -> Display:
    return Display()
