"""``joblib.Parallel`` on native workers, as programs use it: functions of a program are pickled by value."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.sdk_place import Place, place_in
from tests.waiting import patient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
BEGIN = """
import sys, time, warnings
import joblib
from joblib import Parallel, delayed
import disio
from disio.sdk.joblib import NotTrusted, register

client = disio.connect(sys.argv[1], token_file=sys.argv[2])
register(client, trust=client.cluster, unit_timeout_s=30)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start services once; stop them at the end."""
    with place_in(tmp_path_factory.mktemp("joblib"), is_trusting=True) as made:
        yield made


def printed_by(place: Place, body: str) -> list[str]:
    """Run a program to its end; return what it printed."""
    words = [sys.executable, "-W", "ignore", "-c", BEGIN + body, place.manager.url, str(place.token_file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=patient(150))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_computes_what_joblib_computes(place: Place) -> None:
    body = """
factor = 3
class Thing:
    def __init__(self, value): self.value = value
def work(x, things): return Thing((x * factor, things[0].value, {1, 2}))
with joblib.parallel_config("disio", n_jobs=-1):
    found = Parallel()(delayed(work)(n, [Thing(b"raw")]) for n in range(40))
    print([each.value for each in found] == [(n * 3, b"raw", {1, 2}) for n in range(40)])
    print(sorted(Parallel(return_as="generator_unordered")(delayed(pow)(n, 2) for n in range(5))))
    nested = Parallel()(delayed(lambda n: sum(Parallel()(delayed(abs)(-m) for m in range(n))))(n) for n in range(4))
    print(nested)
    print(joblib.effective_n_jobs(-1), joblib.effective_n_jobs(3))
"""
    assert printed_by(place, body) == ["True", "[0, 1, 4, 9, 16]", "[0, 0, 1, 3]", "2 3"]


def test_errors_are_raised_as_they_were_and_the_rest_is_ended(place: Place) -> None:
    body = """
class Own(Exception): pass
def work(n):
    if n == 2: raise Own("two")
    time.sleep(20 if n > 2 else 0)
with joblib.parallel_config("disio", n_jobs=4):
    began = time.monotonic()
    try:
        Parallel()(delayed(work)(n) for n in range(8))
    except Own as error:
        print(error, "in work" in error.__notes__[0])
    def sock(n):
        import socket
        return socket.socket()
    try:
        Parallel()(delayed(sock)(n) for n in range(2))
    except RuntimeError as error:
        print(str(error).splitlines()[0])
def open_tasks():
    return [task for task in client.tasks(q="joblib") if not task.info.is_over]
for _ in range(200):
    if not open_tasks(): break
    time.sleep(0.1)
print(len(open_tasks()))
"""
    told = printed_by(place, body)
    assert told[0] == "two True" and told[1].startswith(
        "what the batch gave cannot be pickled: TypeError: cannot pickle"
    )
    assert told[2] == "0"


def test_a_cluster_that_was_not_named_is_not_trusted(place: Place) -> None:
    body = """
try:
    register(client, trust="another")
except NotTrusted as error:
    print("not of 'another'" in str(error))
try:
    with joblib.parallel_config("disio", n_jobs=0):
        Parallel()(delayed(abs)(1) for _ in range(2))
except ValueError as error:
    print(error)
"""
    assert printed_by(place, body) == ["True", "n_jobs == 0 in Parallel has no meaning"]
