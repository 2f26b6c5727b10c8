"""The documentation as a page for people, made of the OpenAPI document: no script, nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from tiro.errors import TiroError

Json = dict[str, Any]

CONTENT_TYPE = "text/html; charset=utf-8"

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def docs_page(document: Json, problems: Iterable[type[TiroError]]) -> str:
    operations = list(_operations(document))
    nav = [f"<h1><a href='#top'>Tiro</a></h1><p>{escape(document['info']['version'])}</p>"]
    main = [f"<h1 id='top'>The API of Tiro</h1>{_prose(document['info']['description'])}"]
    main.append("<p>The same for programs: <a href='openapi.json'>openapi.json</a>.</p>")
    for tag in (tag["name"] for tag in document["tags"]):
        mine = [operation for operation in operations if tag in operation["tags"]]
        nav.append(f"<h2>{escape(tag)}</h2>" + "".join(map(_link, mine)))
        main.append(f"<h2>{escape(tag.capitalize())}</h2>" + "".join(_article(one, document) for one in mine))
    nav.append("<h2>more</h2><a class='plain' href='#shapes'>Shapes</a><a class='plain' href='#problems'>Problems</a>")
    main.append(f"<h2 id='shapes'>Shapes</h2>{''.join(_shapes(document))}")
    main.append(f"<h2 id='problems'>Problems</h2><table>{''.join(map(_problem_row, problems))}</table>")
    return _page("The API of Tiro", f"<nav>{''.join(nav)}</nav><main>{''.join(main)}</main>")


def problem_page(problem: type[TiroError]) -> str:
    again = "The same call may succeed later." if problem.retryable else "The same call will get the same answer."
    main = (
        f"<h1>{escape(problem.title)}</h1><p class='path'><span class='method'>{problem.status}</span>"
        f"{escape(problem.code)}</p>{_prose(meaning(problem))}<p>{again}</p>"
        "<p>What to do in your case, the problem's <code>detail</code> says.</p>"
        "<p><a href='../docs#problems'>All problems</a></p>"
    )
    return _page(problem.title, f"<main class='alone'>{main}</main>")


def meaning(problem: type[TiroError]) -> str:
    """Return the error's own docstring, as one paragraph."""
    return " ".join((problem.__dict__.get("__doc__") or "").split())


def _operations(document: Json) -> Iterator[Json]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield operation | {"method": method.upper(), "path": path}


def _link(operation: Json) -> str:
    method, summary = escape(operation["method"]), escape(operation["summary"])
    return f"<a href='#{operation['operationId']}'><span class='method'>{method}</span>{summary}</a>"


def _article(operation: Json, document: Json) -> str:
    scopes = [scope for needed in operation["security"] for scope in needed["bearer"]]
    parts = [
        f"<article id='{operation['operationId']}'>",
        f"<span class='scope'>{escape(' '.join(scopes) or 'no key')}</span>",
        f"<h3>{escape(operation['summary'])}</h3>",
        f"<p class='path'><span class='method'>{operation['method']}</span>{escape(operation['path'])}</p>",
        _prose(re.sub(r"(Needs the scope `\w+`|Needs no key)\.$", "", operation["description"])),
    ]
    if operation["parameters"]:
        rows = "".join(_parameter_row(parameter) for parameter in operation["parameters"])
        parts.append(f"<h4>Parameters</h4><table>{rows}</table>")
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h4>Body · {escape(media_type)}</h4><p>{_kind(content['schema'])}</p>")
        if "example" in content:
            parts.append(f"<pre>{escape(json.dumps(content['example'], indent=2))}</pre>")
    answers = {s: a for s, a in operation["responses"].items() if int(s) < 400}
    refusals = {s: a for s, a in operation["responses"].items() if int(s) >= 400}
    parts.append(f"<h4>Answers</h4><table>{''.join(_answer_row(s, a) for s, a in answers.items())}</table>")
    rows = "".join(f"<tr><td>{s}</td><td colspan='2'>{_codes(a)}</td></tr>" for s, a in refusals.items())
    parts.append(f"<details><summary>Problems</summary><table>{rows}</table></details></article>")
    return "".join(parts)


def _parameter_row(parameter: Json) -> str:
    must = " <span class='must'>required</span>" if parameter["required"] else ""
    kind = f"{_kind(parameter['schema'])}<br>in the {escape(parameter['in'])}"
    return _row(f"<code>{escape(parameter['name'])}</code>{must}", kind, _prose(parameter["description"]))


def _answer_row(status: str, answer: Json) -> str:
    kinds = "<br>".join(
        _kind(content["schema"]) if media_type == "application/json" else escape(media_type)
        for media_type, content in answer.get("content", {}).items()
    )
    headers = ", ".join(f"<code>{escape(name)}</code>" for name in answer["headers"])
    return _row(status, kinds, _prose(answer["description"]) + (f"<p>with {headers}</p>" if headers else ""))


def _codes(answer: Json) -> str:
    found = re.findall(r"problems/(\w+)", answer["description"])
    return ", ".join(f"<a href='problems/{code}'><code>{code}</code></a>" for code in found)


def _problem_row(problem: type[TiroError]) -> str:
    code = f"<a href='problems/{problem.code}'><code>{problem.code}</code></a>"
    return _row(code, f"{problem.status}{', retryable' if problem.retryable else ''}", escape(problem.title))


def _shapes(document: Json) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        required = schema.get("required", [])
        rows = [
            _row(
                f"<code>{escape(field)}</code>" + (" <span class='must'>always</span>" if field in required else ""),
                _kind(what),
                _prose(what.get("description", "")),
            )
            for field, what in schema.get("properties", {}).items()
        ]
        body = f"<table>{''.join(rows)}</table>" if rows else f"<p>{_kind(schema)}</p>"
        about = _prose(schema.get("description", ""))
        yield f"<article id='shape-{escape(name)}'><h3>{escape(name)}</h3>{about}{body}</article>"


def _kind(schema: Json) -> str:
    """Say in a few words what a JSON schema takes."""
    match schema:
        case {"$ref": str(ref)}:
            name = escape(ref.rpartition("/")[2])
            return f"<a href='#shape-{name}'>{name}</a>"
        case {"anyOf": list(kinds)} | {"oneOf": list(kinds)}:
            return " or ".join(_kind(kind) for kind in kinds)
        case {"allOf": list(kinds)}:
            return _kind(kinds[0])
        case {"enum": list(values)}:
            return " · ".join(f"<code>{escape(str(value))}</code>" for value in values)
        case {"const": value}:
            return f"<code>{escape(str(value))}</code>"
        case {"type": "array", "items": dict(items)}:
            return f"list of {_kind(items)}"
        case {"type": str(kind), "format": str(form)}:
            return f"{escape(kind)}, {escape(form)}"
        case {"type": str(kind)}:
            return escape(kind)
    return "anything"


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _prose(text: str) -> str:
    """Paragraphs, and `code`: all of Markdown that we write."""
    paragraphs = [escape(part, quote=False) for part in text.strip().split("\n\n") if part]
    marked = (re.sub(r"`([^`]+)`", r"<code>\1</code>", part) for part in paragraphs)
    return "".join(f"<p>{part}</p>" for part in marked)


def _page(title: str, body: str) -> str:
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{style}</style></head>"
        f"<body><div class='frame'>{body}</div></body></html>"
    )
