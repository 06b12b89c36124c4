"""Opens a page in a real browser and asks what a reader would see."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from loadtest.reports.pictures.style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY

_PROBE = """
<script>
const inks = INKS;
const shown = [...document.querySelectorAll('figure svg')].filter(svg => svg.getBoundingClientRect().width > 0);
const box = element => element.getBoundingClientRect();
const name = text => text.textContent.trim();
const found = {
  wide: document.documentElement.scrollWidth, window: innerWidth, pictures: shown.length, low: [], cut: [],
  overlaps: [], empty: [],
};
for (const svg of shown) {
  const title = svg.getAttribute('aria-label'), frame = box(svg);
  if (frame.height < 60) found.low.push(title);
  const texts = [...svg.querySelectorAll('text')].filter(text => name(text));
  for (const text of texts) {
    const own = box(text);
    if (own.left < frame.left - 2 || own.right > frame.right + 2 || own.top < frame.top - 2 ||
        own.bottom > frame.bottom + 2) found.cut.push(title + ': ' + name(text));
    for (const other of texts) {
      if (other === text || texts.indexOf(other) < texts.indexOf(text)) continue;
      const its = box(other);
      const across = Math.min(own.right, its.right) - Math.max(own.left, its.left);
      const down = Math.min(own.bottom, its.bottom) - Math.max(own.top, its.top);
      // Boxes of letters are higher than the letters.
      if (across > 2 && down > 0.4 * Math.min(own.height, its.height))
        found.overlaps.push(title + ': ' + name(text) + ' / ' + name(other));
    }
  }
  for (const axes of svg.querySelectorAll('g[id^=axes_]')) {
    const drawn = axes.querySelector('image, mesh') ||
      [...axes.querySelectorAll('path, use')].map(path => path.getAttribute('style') || '')
        .some(style => inks.some(ink => style.includes(ink)));
    if (!drawn) found.empty.push(title);
  }
}
parent.postMessage(JSON.stringify(found), '*');
</script></body>
"""
# A window of Chromium's is never narrower than 500 pixels; a frame may be.
_FRAME = """<!doctype html><title>nothing was seen</title><body style="margin: 0">
<script>addEventListener('message', event => { document.title = event.data; });</script>
<iframe style="border: 0; width: WIDTHpx; height: 900px" src="PAGE"></iframe>
"""
_INKS = [BLUE, GREEN, ORANGE, PURPLE, RED, SKY, "fill: url("]  # the last one is a hatch
_SWITCHES = "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-sync"


def look(page: str, folder: Path, width: int) -> dict[str, Any]:
    """What a page looks like in a frame of a width.

    :returns: wide, window (pixels that it takes, and has), pictures (how many are shown); and by title of the
        picture: low (too flat), cut (labels that reach out of it), overlaps (labels that lie upon each other),
        empty (axes without data).
    """
    probed, frame = folder / f"probed-{width}.html", folder / f"frame-{width}.html"
    probed.write_text(page.replace("</body>", _PROBE.replace("INKS", json.dumps(_INKS))), encoding="utf-8")
    frame.write_text(_FRAME.replace("WIDTH", str(width)).replace("PAGE", probed.name), encoding="utf-8")
    command = [
        "chromium",
        *_SWITCHES.split(),
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=5000",
    ]
    command += [f"--window-size={max(width, 500)},900", "--dump-dom", frame.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=90).stdout
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    found: dict[str, Any] = json.loads(title[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    return found


def assert_looks_good(page: str, folder: Path, width: int, pictures: int) -> None:
    """Nothing is wider than the window, flat, cut, or upon something else; and no axes are empty."""
    seen = look(page, folder, width)
    assert seen["wide"] <= seen["window"]
    assert seen["pictures"] == pictures
    assert {fault: seen[fault] for fault in ("low", "cut", "overlaps", "empty")} == {
        "low": [],
        "cut": [],
        "overlaps": [],
        "empty": [],
    }
