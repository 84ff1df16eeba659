"""Keys of clusters: what one distributor makes, another one of the cluster reads."""

from hypothesis import given
from hypothesis import strategies as st

from disio_distributor.core.keyring import KEY_BYTES, MAX_CLUSTERS, Keyring

A, B = b"a" * KEY_BYTES, b"b" * KEY_BYTES


def ring(own: bytes = b"o", **clusters: bytes) -> Keyring:
    return Keyring(own * KEY_BYTES, clusters)


def test_a_token_of_a_cluster_is_read_by_every_distributor_of_it_and_by_no_other() -> None:
    token = ring(k=A).token("k", "t", "c", "n", [(0, 3)])
    read = ring(b"p", other=B, k=A).read(token)
    assert read is not None
    assert (read.cluster, read.token.task, read.token.client, read.token.runs) == ("k", "t", "c", [(0, 3)])
    assert ring(b"p", k=B).read(token) is None
    assert ring(b"p").read(token) is None


def test_what_was_made_before_the_cluster_told_its_key_stays_good_here() -> None:
    mine = ring()
    token = mine.token("k", "t", "c", "n", [(0, 3)])
    assert mine.learn("k", A)
    read = mine.read(token)
    assert read is not None and read.cluster == ""
    assert mine.token("k", "t", "c", "n", [(0, 3)]) != token


def test_a_key_is_learned_once_and_only_whole() -> None:
    mine = ring()
    assert not mine.learn("k", b"") and not mine.learn("k", b"short")
    assert mine.learn("k", A) and not mine.learn("k", A) and mine.learn("k", B)


def test_keys_are_bounded_in_number() -> None:
    mine = ring()
    assert sum(mine.learn(f"k{at}", A) for at in range(MAX_CLUSTERS + 5)) == MAX_CLUSTERS
    assert mine.learn("k0", B), "one that is known may still change"


@given(client=st.text(min_size=1, max_size=40), other=st.text(max_size=40))
def test_a_secret_fits_its_client_at_every_distributor_of_the_cluster(client: str, other: str) -> None:
    secret = ring(k=A).secret_of(client)
    assert secret
    sibling = ring(b"p", x=B, k=A)
    assert sibling.fits(client, secret)
    assert not sibling.fits(client, secret[:-1]) and not sibling.fits(client, secret + "x")
    assert other == client or not sibling.fits(other, secret)
    assert not ring(k=B).fits(client, secret)


def test_without_any_cluster_there_is_no_secret_and_none_fits() -> None:
    assert ring().secret_of("c") == ""
    assert not ring().fits("c", "") and not ring(k=A).fits("", ring(k=A).secret_of(""))
