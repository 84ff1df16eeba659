"""What no connected client has that a task needs, in words.

Rule: the first thing that is lacking is named, with what would help; only facts of this moment are told.
"""

from disio_manager.core.fleet import Ability
from disio_manager.core.tasks import TaskEntry
from disio_shared.abilities import NATIVE, in_words, is_native

CONNECT = {"web": "open a page that embeds it in a browser", "cli": "start `disio client`"}
"""How a client of each kind is connected."""


def lacking(entry: TaskEntry, abilities: list[Ability]) -> str:
    """Return why no client can run a task, and what would unblock it.

    Args:
        entry: The task.
        abilities: What live distributors can run, none of them this task.
    """
    requires, words = entry.record.policy.requires, in_words(entry.needs)
    if not any(languages for languages, _, _ in abilities):
        ways = " or ".join(CONNECT[kind] for kind in requires.kinds)
        return f"No client is connected: {ways}."
    able = [each for each in abilities if entry.needs in each[0]]
    if not able:
        return f"No connected client runs {words}: {_remedy(entry)}."
    fitting = [each for each in able if not each[1].isdisjoint(requires.kinds)]
    if not fitting:
        ways = " or ".join(CONNECT[kind] for kind in requires.kinds)
        return f"No connected client that runs {words} is of kind {' or '.join(requires.kinds)}: {ways}."
    most = max(memory for _, _, memory in fitting)
    return (
        f"No connected client that runs {words} offers {requires.memory_mb} MB of memory, the most is {most} MB: "
        "connect a larger one, or create the task again with a smaller policy.requires.memory_mb."
    )


def _remedy(entry: TaskEntry) -> str:
    if is_native(entry.needs):
        cluster = entry.needs.removeprefix(NATIVE)
        return f"start `disio-client --trust-native {cluster}` on machines whose owner trusts this cluster with that"
    if entry.needs == "python":
        return (
            "every client does that gets Python's files from its distributor, and says in its log why it does not; "
            "so look there, or connect another one"
        )
    return "connect one that does (an older client may have to be upgraded)"
