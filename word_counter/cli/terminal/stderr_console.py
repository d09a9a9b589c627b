"""A rich console on standard error."""

from __future__ import annotations

from rich.console import Console


class StderrConsole(Console):
    """A console on standard error that falls silent when its reader is gone, and that knows no markup."""

    def __init__(self) -> None:
        super().__init__(stderr=True, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Show nothing from now on. rich itself would close standard output, where the results may go, and exit."""
        self.quiet = True
