"""Names that an event may have, and that nobody would choose."""

from __future__ import annotations

from typing import Final

OWN: Final = (
    *("connect", "connect_tcp", "connect_error", "join", "trigger", "fan_out", "replay", "loop_lag", "gc_pause"),
    *("generator_delay", "clock_bound", "answer_ping", "canary_node-4", "workers_cpu_percent", "workers_rss_mb"),
    *("fan-out", "generator delay"),
)
"""Events that are named as our own metrics are, or as columns beside them."""
NAMES: Final = (
    *(
        "",
        " ",
        "/",
        "a/b",
        "../../x",
        "..",
        ".",
        ".hidden",
        "\0",
        "a\0b",
        "a\nb",
        "\r\n",
        "\t",
        'say "hi"',
        "it's",
    ),
    *("a,b", "a;b", "=cmd|' /C calc'!A0", "+1", "-1", "@x", "@across", "x@across", "x@class1", "x@class1@across"),
    *(
        "$x$",
        r"$\frac{x$",
        r"\$",
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "a|b",
        "`x`",
        "*x*",
    ),
    *(
        "x" * 300,
        "ж" * 300,
        "🎉",
        "👩‍💻",
        "\ud800",
        "\udfff\ud800",
        "con",
        "CON.x",
        "aux",
        "latest",
        "chat message",
    ),
    *("%", "%25", "%74rigger", "a%2Fb", "\x1b[31mred", "\u202eevil", "\ufeff", "\u2028", "_private", "007", "nan"),
    *(
        "NA",
        "1e5",
        "True",
        "at_s",
        "phase",
        "connected",
        "a_p50",
        "a.b",
        "user:joined",
        "&amp;",
        "{{ x }}",
        "#010203",
    ),
    *(r"C:\new", r"\x1b", "'=1", "''", "＝1", "~x~", "summary", "event"),
    *OWN,
)
