"""The sign-in page.

Rule: one form, no script: name and password, or a token. A password is never put back into it.
"""

from html import escape

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
<label for="name">Name</label>
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


def login_page(next_path: str, message: str = "", name: str = "", *, is_wrong: bool = False) -> str:
    """Return the page.

    Args:
        next_path: Where signing in leads.
        message: Why it did not work the last time.
        name: What was typed as one.
        is_wrong: What was typed is wrong.
    """
    shown = f'<p class="error" id="error" role="alert">{escape(message)}</p>' if message else ""
    error = ' aria-invalid="true"' if is_wrong else ""
    return _PAGE.format(message=shown, next=escape(next_path, quote=True), name=escape(name, quote=True), error=error)
