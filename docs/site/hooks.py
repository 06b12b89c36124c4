"""The pages that stand elsewhere in the repository, and links to files that are no pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent.parent
ELSEWHERE: Final = {
    "README.md": "index.md",
    "k8s/README.md": "kubernetes.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting-vulnerabilities.md",
}
"""Page of the repository -> page of the site."""
_LINK: Final = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")
_IMAGE: Final = re.compile(r'(src=")([^":]+)(")')


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that stand elsewhere."""
    for path, uri in ELSEWHERE.items():
        files.append(File.generated(config, uri, content=(ROOT / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, **_: Any) -> str:
    """Lead links to pages to pages, and links to other files to the repository.

    :raises PluginError: if a file is not there.
    """
    uri = page.file.src_uri
    source = ROOT / next((path for path, one in ELSEWHERE.items() if one == uri), f"docs/{uri}")

    def led(found: re.Match[str]) -> str:
        target = (source.parent / found[2]).resolve()
        if not target.exists():
            raise PluginError(f"{source.relative_to(ROOT)}: expected a file at {found[2]}, got none")
        path = str(target.relative_to(ROOT))
        if path in ELSEWHERE:
            path = ELSEWHERE[path]
        elif path.startswith("docs/"):
            path = path.removeprefix("docs/")
        else:
            path = f"{config.repo_url.rstrip('/')}/blob/main/{path}"
        return f"{found[1]}{path}{found[3]}"

    return _IMAGE.sub(led, _LINK.sub(led, markdown))
