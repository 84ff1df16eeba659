"""What is remembered of connections, and its limits."""

from disio_manager.peers import MAX_PEERS, MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES, MAX_STRANGER_MESSAGES, Peer, Peers


def test_the_connection_not_heard_of_for_longest_is_forgotten_when_there_are_too_many() -> None:
    peers = Peers()
    for number in range(MAX_PEERS):
        assert peers.hear(b"%d" % number, b"k", number)[1] is None
    peers.hear(b"0", b"k", MAX_PEERS)
    _, forgotten = peers.hear(b"new", b"k", MAX_PEERS + 1)
    assert forgotten is not None and forgotten.identity == b"1"


def test_a_connection_with_another_key_is_another_peer() -> None:
    peers = Peers()
    first, _ = peers.hear(b"a", b"k1", 1)
    assert peers.hear(b"a", b"k1", 2)[0] is first
    assert peers.hear(b"a", b"k2", 3)[0] is not first


def test_sessions_are_found_until_they_end() -> None:
    peers = Peers()
    peer, _ = peers.hear(b"a", b"k", 1)
    peers.admit(peer, "s", "d")
    assert peers.of_session("s") is peers.of_distributor("d") is peer
    assert peers.admitted() == [peer]
    assert peers.end_session(peer) == "s"
    assert peers.end_session(peer) == ""
    assert peers.of_session("s") is None and peers.of_distributor("d") is None


def test_an_old_sessions_end_leaves_the_new_one_of_the_same_distributor() -> None:
    peers = Peers()
    old, new = peers.hear(b"a", b"k", 1)[0], peers.hear(b"b", b"k", 2)[0]
    peers.admit(old, "s1", "d")
    peers.admit(new, "s2", "d")
    peers.end_session(old)
    assert peers.of_distributor("d") is new


def test_only_the_silent_are_called_silent() -> None:
    peers = Peers()
    for number in range(5):
        peers.hear(b"%d" % number, b"k", float(number))
    assert [peer.identity for peer in peers.silent_since(2.5)] == [b"0", b"1", b"2"]
    for peer in peers.silent_since(2.5):
        peers.forget(peer)
    assert list(peers.silent_since(2.5)) == []


def test_a_queue_is_bounded_in_messages_and_bytes_but_one_message_always_fits() -> None:
    peer = Peer(b"a", b"k", 0, session="s")
    assert peer.has_room(MAX_QUEUED_BYTES * 2)
    peer.queue.append(b"x")
    assert not peer.has_room(MAX_QUEUED_BYTES * 2) and peer.has_room(1)
    peer.queue.extend([b"x"] * (MAX_QUEUED_MESSAGES - 1))
    assert not peer.has_room(1)
    stranger = Peer(b"a", b"k", 0)
    stranger.queue.extend([b"x"] * MAX_STRANGER_MESSAGES)
    assert not stranger.has_room(1)
