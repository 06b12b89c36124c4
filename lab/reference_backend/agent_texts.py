"""Texts of an agent's logs: phrases by their kind, and fragments of the odd text that such logs contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Mapping

CRITICAL: Final = f"[{contract.TAG_ORCHESTRATOR}]: КРИТИЧЕСКАЯ ОШИБКА: "
DESTROYING: Final = f"[{contract.TAG_DOCKER}]: Удаляю среду..."
DESTROYED: Final = f"[{contract.TAG_DOCKER}]: Среда удалена."

PREFIXES: Final[Mapping[str, str]] = {
    "created": f"[{contract.TAG_DOCKER}]: ",
    "cloning": f"[{contract.TAG_GIT}]: ",
    "cloned": f"[{contract.TAG_GIT}]: ",
    "memory": f"[{contract.TAG_MEMORY}]: ",
    "thought": f"[{contract.TAG_THOUGHT}]: ",
    "tool": f"[{contract.TAG_TOOL}]: ",
    "command": f"[{contract.TAG_COMMAND}]: ",
    "result": f"[{contract.TAG_RESULT}]: ",
}

FIXED: Final[Mapping[str, str]] = {
    "created": "Среда создана.",
    "cloning": "Клонирую репозиторий...",
    "cloned": "Репозиторий склонирован.",
}

PHRASES: Final[Mapping[str, tuple[str, ...]]] = {
    "memory": (
        "Воспоминаний о похожих задачах нет.",
        'Загружено 3 воспоминания: "тесты", "сборка", "README.md~"',
    ),
    "thought": (
        "Сначала посмотрю, что лежит в репозитории.",
        "Нужно исправить src/main.ts и запустить тесты.",
        "Tests fail because of a path: C:\\repo\\src\\index.ts is not /repo/src/index.ts.",
        "Задача решена, завершаю работу. ✅",
    ),
    "tool": (
        'readFile {"path": "/repo/src/app.module.ts"}',
        'writeFile {"path": "~/.config/app.json", "content": "{\\"debug\\": true}\\n"}',
        "listFiles ['/repo', '/repo/src']",
    ),
    "command": (
        "git clone --depth 1 https://example.org/repo.git /repo",
        "ls -la ~/repo ~/repo~ && cat 'file name with spaces.txt'",
        'npm test -- --grep "it\'s \\"quoted\\""',
        "find . -name '*.ts' | xargs grep -n \"TODO\" | head -n 20",
    ),
    "result": (
        "",
        "exit code 0",
        "total 12\r\ndrwxr-xr-x 2 root root 4096 Jan  1 00:00 .\r\n-rw-r--r-- 1 root root 17 Jan  1 00:00 notes~",
        "\x1b[32m✓\x1b[0m 14 passing\n\x1b[31m✗\x1b[0m 1 failing",
        "cat: '/repo/данные.bin': \ufffd\ufffd\ufffdPNG\ufffd\x00\x01",
    ),
}

FRAGMENTS: Final = (
    "src/components/Button.test.tsx",
    "/home/agent/файл с пробелами.txt",
    "~/notes.md",
    "main.py~",
    "diff ~/a/config~ ~/b/config~",
    "~~strike~~ and ~one~ and ~two~",
    "~3fa.1~",
    'he said "yes", and "no"',
    '"',
    "C:\\Users\\agent\\n.txt \\\\server\\share\\",
    "\\u0041 \\n \\",
    "line one\nline two\n\n\tindented",
    "a\r\nb\u2028c",
    "😀 👩‍👩‍👧‍👦 🇺🇦 ✅",
    "\ufffd\ufffd binary \ufffd",
    "中文 العربية हिन्दी e\u0301",
    '{"taskId":"00000000-0000-4000-8000-000000000000","newStatus":"COMPLETED","agentId":"system"}',
    '42["taskStatusUpdate",{"newStatus":"FAILED"}]',
    '{"message": "[Статус]: \\"x\\"", "list": [1, 2.5, null, true], "nested": {"~": "~"}}',
    "{braces} %s %(name)s ${HOME} $(date)",
    "<script>alert('x')</script> &amp; <b>",
    "null",
)

REASONS: Final = (
    'Git: fatal: repository "https://example.org/repo.git/" not found',
    'LLM: 429 Too Many Requests\n{"error": {"code": 429, "message": "quota exceeded"}}',
    "Команда завершилась с кодом 137: Killed ~",
    "Превышено число раундов без результата 😞",
)

OUTPUT_LINES: Final = (
    "npm warn deprecated package-#@1.0.#: no longer supported",
    "  at Object.<anonymous> (/repo/src/file-#.ts:#:17)",
    '{"level":"info","id":#,"path":"~/cache/#~","message":"a \\"quoted\\" word"}',
    "тест # пройден ✅",
    "\ufffd\ufffd#\ufffd",
    "",
    "\x1b[33mwarning\x1b[0m: C:\\temp\\# does not exist",
)
