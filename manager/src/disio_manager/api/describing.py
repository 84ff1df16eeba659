"""The interface described: as an OpenAPI document for programs, as a page for people.

Rule: both are made once, when they are first asked for, of the same table; the page needs no script.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cached_property
from html import escape

import msgspec
from aiohttp import web

from disio_manager.api.openapi import openapi
from disio_manager.api.operation import Operation
from disio_manager.api.problems import TITLES
from disio_shared import __version__

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}code{font-size:.95em}h3{margin:1.6rem 0 .2rem}dl{margin:.2rem 0 0 1rem}dt{float:left;clear:left;"
    "min-width:9rem}dd{margin-left:10rem}@media(prefers-color-scheme:dark){body{color:#eee;background:#16181d}"
    "a{color:#8ab4f8}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'"


class Description:
    """Both forms of one table."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations

    @cached_property
    def document(self) -> bytes:
        """The OpenAPI document, JSON."""
        return msgspec.json.encode(openapi(self._operations, __version__))

    @cached_property
    def page(self) -> str:
        """The page, HTML."""
        tags = dict.fromkeys(operation.tag for operation in self._operations)
        sections = "".join(
            f"<h2>{escape(tag)}</h2>" + "".join(_section(each) for each in self._operations if each.tag == tag)
            for tag in tags
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>disio manager: REST</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{STYLE}</style></head><body><h1>REST interface of the manager</h1>"
            "<p>Send a session's secret, an API token or the token of <code>admin.token</code> as "
            "<code>Authorization: Bearer TOKEN</code>; its role must be the one that a call names, or a higher one "
            "(viewer, researcher, operator, admin). Errors are "
            "<code>application/problem+json</code> and name the place of each wrong field: "
            '<a href="problems">what their codes mean</a>. The same as an OpenAPI 3.1 '
            'document: <a href="openapi.json">openapi.json</a>.</p>'
            f"{sections}</body></html>"
        )


DESCRIPTION: web.AppKey[Description] = web.AppKey("description", Description)


async def get_openapi(request: web.Request) -> web.Response:
    """``GET /api/openapi.json``."""
    return web.Response(body=request.app[DESCRIPTION].document, content_type="application/json")


async def get_docs(request: web.Request) -> web.Response:
    """``GET /api/docs``."""
    headers = {"Content-Security-Policy": POLICY}
    return web.Response(text=request.app[DESCRIPTION].page, content_type="text/html", headers=headers)


def _section(operation: Operation) -> str:
    rows = [
        *((f"?{field.encode_name}=", _default(field)) for field in msgspec.structs.fields(operation.query)),
        *((f"{name}:", told) for name, told in operation.headers.items()),
        *([("body", operation.body.told)] if operation.body is not None else []),
        *((str(status), answer.told) for status, answer in operation.answers.items()),
        *((str(status), TITLES[status]) for status in operation.statuses()),
    ]
    told = "".join(f"<dt><code>{escape(name)}</code></dt><dd>{escape(text)}</dd>" for name, text in rows)
    who = " (no token needed)" if operation.is_open else f" (role {operation.least})"
    place = f"{operation.method} {operation.path}"
    return (
        f'<h3 id="{escape(operation.name)}"><code>{escape(place)}</code></h3>'
        f"<div>{escape(operation.summary)}{who}.</div><dl>{told}</dl>"
    )


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default in (msgspec.UNSET, msgspec.NODEFAULT, ""):
        return "optional"
    return f"without it: {field.default}"
