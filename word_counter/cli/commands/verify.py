"""The command ``verify``: checks whether results and inputs are still the ones that the receipt names."""

from __future__ import annotations

from dataclasses import asdict

import click

from word_counter.cli.commands.redis_options import json_option
from word_counter.cli.terminal.tables import show_json
from word_counter.cli.terminal.text import printable, size
from word_counter.errors import UsageError
from word_counter.settings.plurals import count


@click.command()
@click.argument("output", metavar="RESULTS")
@click.option("--receipt", metavar="PATH", default="", help="The receipt. [default: beside the results]")
@click.option(
    "--moved",
    metavar="OLD=NEW",
    multiple=True,
    help="Inputs that were below the folder OLD are below NEW now; may be repeated.",
)
@json_option
def verify(output: str, receipt: str, moved: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 (click's way)
    """Check results, and the inputs they were made of, against the receipt beside them.

    RESULTS is what --output named: a file, a folder of parts, a URL. Needs no Redis. Exit code 0: all holds; 1:
    something does not. JSON: {"ok": BOOL, "job", "receipt", "results": N, "inputs": N, "bytes": N,
    "faults": [{"of", "name", "what"}, ...], "unchecked": [{"name", "why"}, ...]}.
    """
    from word_counter.receipts.verify import verify as verified

    found = verified(output, receipt, [_folders(text) for text in moved])
    if as_json:
        content = asdict(found)
        content["unchecked"] = [{"name": name, "why": why} for name, why in found.unchecked]
        show_json({"ok": found.holds, **content})
    else:
        for fault in found.faults:
            click.echo(printable(f"{fault.of} {fault.name}: {fault.what}"))
        for name, why in found.unchecked:
            click.echo(printable(f"not checked: {name}: {why}"))
        looked = f"{count(found.results, 'file')} of results, {count(found.inputs, 'input')}, {size(found.bytes)}"
        verdict = "holds" if found.holds else f"does not hold: {count(len(found.faults), 'fault')}"
        click.echo(printable(f"the receipt of job {found.job} {verdict} ({looked})"))
    if not found.holds:
        click.get_current_context().exit(1)


def _folders(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        message = f"--moved takes OLD=NEW, two folders, not {text!r}"
        raise UsageError(message)
    return old, new
