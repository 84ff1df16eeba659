"""A module of one's own, as programs have them: what is imported from here is sent along."""

BASE = 10


def tenfold(number: int) -> int:
    """Return ten times as much."""
    return BASE * number


def is_even(number: int) -> bool:
    """Tell by asking the other one."""
    return True if number == 0 else is_odd(number - 1)


def is_odd(number: int) -> bool:
    """Tell by asking the other one."""
    return False if number == 0 else is_even(number - 1)


class Stack:
    """A stack."""

    limit = BASE

    def __init__(self) -> None:
        self.items: list[int] = []

    def push(self, item: int) -> "Stack":
        """Put an item on it."""
        assert len(self.items) < self.limit
        self.items.append(item)
        return self
