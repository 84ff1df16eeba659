"""``GET /api/problems``: what each ``code`` of a problem means, and what to do about it.

Rule: the ``type`` of every problem leads to its place on this page.
"""

from html import escape

from aiohttp import web

from disio_manager.api.describing import POLICY, STYLE
from disio_manager.api.problems import PROBLEMS_PATH

AGAIN = "Ask again after the seconds of Retry-After."
MEANINGS: dict[str, tuple[str, str]] = {
    "bad-request": ("A parameter or a header is wrong.", "Each wrong one is named in errors."),
    "config": ("A setting of the manager is wrong.", "Its detail says which."),
    "conflict": ("The thing is there, but not in a state for this.", "Look at it, and decide anew."),
    "cut-off": ("The body of an upload broke off.", "HEAD tells how much is kept: go on there."),
    "distributor-elsewhere": ("The distributor is connected to another manager.", "Ask the one that detail names."),
    "error": ("Something went wrong that has no name of its own.", "The detail says what."),
    "growth-refused": ("The payloads are not what comes next, or no more are taken.", "Go on at the number in total."),
    "host": ("The manager serves its own machine alone, and the request is for another name.", "Call it 127.0.0.1."),
    "http": ("The request is not as HTTP wants it.", "The detail says what."),
    "idempotency-key": ("The Idempotency-Key belongs to another document, or to a deleted task.", "Take a new key."),
    "illegal-verb": ("The task's state does not allow this.", "Look at its state first."),
    "in-use": ("Another process has the data, or another task needs this one.", "End that one first."),
    "internal": ("The manager made a mistake.", "Look for the request_id in its log, and report it."),
    "invalid": ("Something that was sent is wrong.", "The detail says what."),
    "invalid-document": ("Fields of a document are wrong.", "Each one is named in errors by its place."),
    "key-in-use": ("The first request with this Idempotency-Key is still under way.", AGAIN),
    "lapsed": ("The manager was away from its database for too long.", AGAIN),
    "malformed": ("A message between parts of disio does not decode.", "Have all parts in one version."),
    "manager-unreachable": ("A manager does not answer.", AGAIN),
    "media-type": ("The body is of a kind that is not taken here.", "Send it as errors or detail say."),
    "method": ("The path does not take this method.", "Allow names those it takes."),
    "no-journal": ("The database keeps no order in which results came.", "Ask for order=index."),
    "no-space": ("There is no room for an upload.", "What came is kept: make room and go on."),
    "not-authorized": ("There is no token, or a wrong one.", "Send that of admin.token as a bearer token."),
    "not-failed": ("A payload that is to be tried again has not failed.", "Errors name each of them."),
    "not-found": ("There is no such thing.", "Look for it in a list."),
    "oversize": ("The body is too large.", "The detail names the limit."),
    "ownership-lost": ("Another manager looks after the task by now.", AGAIN),
    "protocol": ("A message between parts of disio is wrong.", "Have all parts in one version."),
    "refused": ("This is allowed to nobody, or not to this caller.", "Nothing changes that."),
    "store-unavailable": ("The database does not answer.", AGAIN),
    "timeout": ("The body came too slowly.", "Send it again; an upload goes on where it was."),
    "too-many-bulks": ("Enough bulk actions are being done.", "Wait until one of them is over."),
    "too-many-questions": ("Distributors are being asked for too many others.", AGAIN),
    "too-many-viewers": ("No more live feeds fit.", AGAIN),
    "too-many-waiting": ("Too many requests wait for results already.", "Ask without wait_s, or later."),
    "unavailable": ("Something that is needed is away.", AGAIN),
    "upload-busy": ("Another connection sends the same upload.", AGAIN),
    "upload-offset": ("The upload stands at another place.", "Upload-Offset says where: go on there."),
    "version": ("The task, or a part of disio, is in another version.", "Read it anew, or have all in one version."),
}
"""By code, in the order of the page: what it means, what to do."""


async def get_problems(_request: web.Request) -> web.Response:
    """``GET /api/problems``."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "public, max-age=3600"}
    return web.Response(text=_PAGE, content_type="text/html", headers=headers)


def _entry(code: str, meaning: str, remedy: str) -> str:
    return f'<h3 id="{escape(code)}"><code>{escape(code)}</code></h3><p>{escape(meaning)} {escape(remedy)}</p>'


_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>disio manager: problems</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    f"<style>{STYLE}</style></head><body><h1>Problems</h1>"
    "<p>What the manager refuses it tells as <code>application/problem+json</code> (RFC 9457). The <code>type</code> "
    f"of a problem is <code>{PROBLEMS_PATH}#CODE</code>; <code>errors</code> names each wrong place; "
    "<code>request_id</code> is in the manager's log, and in the header <code>X-Request-Id</code> of every answer: "
    'send one of your own (up to 64 letters, digits, dots, dashes) and it is taken. <a href="docs">All calls</a>.</p>'
    + "".join(_entry(code, *told) for code, told in MEANINGS.items())
    + "</body></html>"
)
