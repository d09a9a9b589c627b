"""How Sphinx makes the documentation site of docs/: `make docs`.

Pages are written for readers of the repository: their links lead to files. The site has a page for each of these files.
One outside docs/ that a page includes, such as the README, is that page; any other is shown as it is, below source/.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from word_counter import __version__

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

project = "word_counter"
author = "the word_counter authors"
release = __version__
copyright = f"2026, {author}"  # noqa: A001 (Sphinx's name)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
suppress_warnings = ["toc.not_included"]  # decisions are listed on a page of their own, not beside every page
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"
smartquotes = False  # two dashes begin an option
html_theme = "furo"
html_title = "word_counter"
pygments_dark_style = "github-dark"
html_show_sourcelink = False

_INCLUDE = re.compile(r"^```\{include\} (\S+)$", re.MULTILINE)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)")
_PAGES = {page: page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
#: The page that shows each file which is included.
_INCLUDED = {(page.parent / file).resolve(): page for page, text in _PAGES.items() for file in _INCLUDE.findall(text)}
_LEXERS = {".py": "python", ".pyi": "python", ".lua": "lua", ".md": "markdown", ".h": "c", ".c": "c", ".yml": "yaml"}


def _linked() -> set[Path]:
    """Return the files and folders outside docs/ that pages link to."""
    texts = _PAGES | {file: file.read_text(encoding="utf-8") for file in _INCLUDED}
    found = {(file.parent / link["target"]).resolve() for file, text in texts.items() for link in _LINK.finditer(text)}
    return {path for path in found if path.exists() and DOCS not in path.parents and path not in _INCLUDED}


def _relink(text: str, file: Path, page: Path) -> str:
    """Return the text of a file, with links that lead from the page which shows it to other pages of the site."""

    def relinked(found: re.Match[str]) -> str:
        target = (file.parent / found["target"]).resolve()
        target = _INCLUDED.get(target, target)
        anchor = found["anchor"] or ""
        path = os.path.relpath(target, page.parent)
        if found["image"] or DOCS in target.parents or not target.exists():
            return f"{found['image']}[{found['text']}]({path}{anchor})"
        path = os.path.relpath(DOCS / "source" / target.relative_to(ROOT), page.parent)
        return f'<a href="{path}.html">{found["text"]}</a>'

    return _LINK.sub(relinked, text)


def _read_page(_: Sphinx, docname: str, source: list[str]) -> None:
    page = DOCS / f"{docname}.md"
    source[0] = _relink(source[0], page, page)


def _read_included(_: Sphinx, file: Path, _docname: str, source: list[str]) -> None:
    file = (DOCS / file).resolve()
    source[0] = _relink(source[0], file, _INCLUDED[file])


def _listing(folder: Path, linked: set[Path]) -> str:
    """Return the files of a folder, as HTML: each with the first line of its docstring, and its page if it has one."""
    rows = []
    for file in sorted(folder.iterdir()):
        if file.suffix not in _LEXERS or file.name == "__init__.py":
            continue
        name = f"<code>{file.name}</code>"
        shown = f'<a href="{folder.name}/{file.name}.html">{name}</a>' if file in linked else name
        about = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file.suffix == ".py" else None
        line = (about or "").partition("\n")[0]
        rows.append(f"<li>{shown} {escape(line)}</li>")
    return f"<ul>{''.join(rows)}</ul>"


def _source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield a page for each file and folder that others link to."""
    linked = _linked()
    for path in sorted(linked):
        name = str(path.relative_to(ROOT))
        if path.is_dir():
            body = _listing(path, linked)
        else:
            text = path.read_text(encoding="utf-8")
            body = app.builder.highlighter.highlight_block(text, _LEXERS.get(path.suffix, "none"))  # type: ignore[attr-defined]
        yield f"source/{name}", {"title": name, "body": f"<h1>{escape(name)}</h1>{body}"}, "page.html"


def setup(app: Sphinx) -> None:
    """Tell Sphinx what to ask here."""
    app.connect("source-read", _read_page)
    app.connect("include-read", _read_included)
    app.connect("html-collect-pages", _source_pages)
