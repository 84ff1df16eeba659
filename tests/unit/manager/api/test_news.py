"""What waits for a viewer goes out together."""

import asyncio

from disio_manager.api.news import MAX_QUEUED, MAX_TAKEN, News, Ring, Topics, Viewer

USUAL = Topics.parse("")


def test_news_are_told_as_server_sent_events() -> None:
    ring = Ring("e")
    ring.push("task", '{"id":"t"}', "t")
    (news,) = ring.since(0) or []
    assert ring.told(news) == b'id: e-1\r\nevent: task\r\ndata: {"id":"t"}\r\n\r\n'
    assert ring.told(News("reset", "{}")) == b"event: reset\r\ndata: {}\r\n\r\n"


async def test_all_that_waits_is_taken_at_once_up_to_a_size_and_then_the_end() -> None:
    viewer = Viewer(USUAL)
    news = [News("task", str(nth), "t", nth) for nth in range(5)]
    assert viewer.offer(news)
    assert await viewer.take() == news
    large = [News("task", "x" * (MAX_TAKEN // 2 + 1), "t", 10 + nth) for nth in range(3)]
    assert viewer.offer(large)
    assert await viewer.take() == large[:2]
    viewer.end()
    assert await viewer.take() == large[2:]
    assert await viewer.take() == []


async def test_who_waits_gets_the_first_that_comes_and_one_that_is_too_slow_the_end() -> None:
    viewer = Viewer(USUAL)
    taking = asyncio.create_task(viewer.take())
    await asyncio.sleep(0)
    assert viewer.offer([News("stats", "{}", "", 1)])
    assert await taking == [News("stats", "{}", "", 1)]
    assert viewer.offer([News("task", "{}", "t", nth) for nth in range(2, MAX_QUEUED + 2)])
    assert not viewer.offer([News("stats", "{}", "", MAX_QUEUED + 2)])
    assert viewer.is_slow and len(await viewer.take()) == MAX_QUEUED
    assert await viewer.take() == []
