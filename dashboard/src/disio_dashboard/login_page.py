"""The sign-in page.

Rule: one form, no script: name and password, or a token. A password is never put back into it.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign in · disio</title>
<link rel="stylesheet" href="/login.css">
</head>
<body>
<main>
<h1>disio</h1>
{message}
<form method="post" action="/login">
<input type="hidden" name="next" value="{next}">
{cluster}<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false"
 maxlength="200" value="{name}" autofocus{error}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="500"{error}>
<p class="or">or, without a name</p>
<label for="token">Admin token or API token</label>
<input id="token" name="token" type="password" autocomplete="off" maxlength="500"{error} aria-describedby="where">
<p class="hint" id="where">The admin token lies in <code>admin.token</code> in the manager's data directory.
A restart of the dashboard prints a one-time login link, too.</p>
<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"""


_CLUSTER = """<label for="cluster">Cluster</label>
<select id="cluster" name="cluster" aria-describedby="which">{options}</select>
<p class="hint" id="which">What you type is sent to this address alone.{found}</p>
"""
FOUND = (
    " One “found on this network” announced itself there, which anybody on it can: type a password only where you know "
    "the address."
)


class Choice(NamedTuple):
    """A manager one can sign in at."""

    key: str
    title: str
    address: str
    is_there: bool
    is_found: bool
    is_chosen: bool


def login_page(
    next_path: str, message: str = "", name: str = "", *, is_wrong: bool = False, choices: Sequence[Choice] = ()
) -> str:
    """Return the page.

    Args:
        next_path: Where signing in leads.
        message: Why it did not work the last time.
        name: What was typed as one.
        is_wrong: What was typed is wrong.
        choices: The managers to choose from; none where there is one alone.
    """
    shown = f'<p class="error" id="error" role="alert">{escape(message)}</p>' if message else ""
    error = ' aria-invalid="true"' if is_wrong else ""
    cluster = _cluster(choices) if choices else ""
    next_path, name = escape(next_path, quote=True), escape(name, quote=True)
    return _PAGE.format(message=shown, next=next_path, name=name, error=error, cluster=cluster)


def _cluster(choices: Sequence[Choice]) -> str:
    found = FOUND if any(each.is_found for each in choices) else ""
    return _CLUSTER.format(options="".join(map(_option, choices)), found=found)


def _option(choice: Choice) -> str:
    words = [choice.address or "no manager found yet"]
    words += [choice.title] if choice.title else []
    words += ["found on this network"] if choice.is_found else []
    words += [] if choice.is_there else ["not reachable now"]
    selected = " selected" if choice.is_chosen else ""
    return f'<option value="{escape(choice.key, quote=True)}"{selected}>{escape(", ".join(words))}</option>'
