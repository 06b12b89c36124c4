"""`python -m k8s.generate`: write what follows from elsewhere: schema and table of the values, the version.

The schema has the keys and types of values.yaml, what `k8s.kinds` knows better, and the options of the load test.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from k8s import kinds, load_options, values
from loadtest import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

CHART: Final = Path(__file__).parent / "chart"
README: Final = Path(__file__).parent / "README.md"
_BEGIN: Final = "<!-- values: written by `make chart` -->"
_END: Final = "<!-- /values -->"
_CHART_VERSION: Final = re.compile(r"^(version: |appVersion: \")[\d.]+", re.MULTILINE)
_IMAGE_VERSION: Final = re.compile(r"(prometheus-loadtest(?:-backend)?:)[\d.]+")


def schema(found: Iterable[values.Value]) -> dict[str, Any]:
    """The schema, by which `helm` refuses what the chart does not know."""
    root = _section()
    for value in found:
        parent = root
        for key in value.path[:-1]:
            parent = parent["properties"].setdefault(key, _section())
        described = {"description": value.text} if value.text else {}
        parent["properties"][value.path[-1]] = described | _kind(value)
    root["properties"]["options"] |= load_options.schema()
    # What Helm itself puts there.
    root["properties"]["global"] = {"type": "object"}
    return {"$schema": "http://json-schema.org/draft-07/schema#"} | root | {"definitions": kinds.DEFINITIONS}


def _kind(value: values.Value) -> dict[str, Any]:
    known = kinds.KINDS.get(".".join(value.path)) or kinds.KINDS.get(value.path[-1])
    if known is not None:
        return known
    default = value.default
    if value.section:
        return _section()
    if isinstance(default, bool):
        return {"type": "boolean"}
    if isinstance(default, int):
        return {"type": "integer", "minimum": 0}
    if isinstance(default, str):
        return {"type": "string"}
    raise ValueError(f"{'.'.join(value.path)} has no kind: add it to k8s/kinds.py")


def _section() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def table(found: Iterable[values.Value]) -> str:
    """The values as Markdown."""
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for value in found:
        if not value.section:
            default = json.dumps(value.default, ensure_ascii=False)
            cells = (f"`{'.'.join(value.path)}`", f"`{default}`", value.text)
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def written() -> dict[Path, str]:
    """What the files are to have."""
    found = list(values.read((CHART / "values.yaml").read_text(encoding="utf-8")))
    page = README.read_text(encoding="utf-8")
    before, rest = page.split(_BEGIN)
    after = rest.split(_END)[1]
    about = CHART / "Chart.yaml"
    return {
        about: _CHART_VERSION.sub(rf"\g<1>{__version__}", about.read_text(encoding="utf-8")),
        CHART / "values.schema.json": json.dumps(schema(found), indent=2, ensure_ascii=False) + "\n",
        README: _IMAGE_VERSION.sub(rf"\g<1>{__version__}", f"{before}{_BEGIN}\n{table(found)}\n{_END}{after}"),
    }


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
