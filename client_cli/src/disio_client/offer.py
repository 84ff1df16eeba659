"""What a client says it can run: all that it is made for, without languages whose files cannot be had for now.

Rule: a language that was withdrawn is offered again after a while, which doubles each time that it was in vain. Pure.
"""

import msgspec

from disio_shared.messages import Hello

AGAIN_FIRST_S, AGAIN_CEILING_S = 60.0, 3600.0


class Offer:
    """The Hello of a client.

    Args:
        hello: With every language it is made for.
    """

    def __init__(self, hello: Hello) -> None:
        self._whole = hello
        self._again_at: dict[str, float] = {}
        """When a language that is not offered will be."""
        self._wait_s: dict[str, float] = {}

    @property
    def languages(self) -> list[str]:
        """What is offered now."""
        return [language for language in self._whole.languages if language not in self._again_at]

    def hello(self, client_id: str, secret: str, holding: list[str]) -> Hello:
        """Return what to say now."""
        return msgspec.structs.replace(
            self._whole, languages=self.languages, client_id=client_id, secret=secret, holding=holding
        )

    def withdraw(self, language: str, now: float) -> float:
        """Offer a language no more; return for how many seconds."""
        wait_s = min(2 * self._wait_s.get(language, AGAIN_FIRST_S / 2), AGAIN_CEILING_S)
        self._wait_s[language], self._again_at[language] = wait_s, now + wait_s
        return wait_s

    def is_larger(self, now: float) -> bool:
        """Take up what may be offered again; tell whether something was."""
        due = [language for language, at in self._again_at.items() if now >= at]
        for language in due:
            del self._again_at[language]
        return bool(due)

    def next_deadline(self) -> float | None:
        """Return when a language is offered again."""
        return min(self._again_at.values(), default=None)
