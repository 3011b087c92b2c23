"""How many requests are under way: fewer for a server that is overwhelmed, more when it is not."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from gopack.adapters.pace import ROUNDS, WINDOW, Pace, Turn
from gopack.adapters.web import Web
from gopack.errors import UpstreamError
from gopack.spec.goenv import GoEnv
from tests.upstream import Fault, Upstream


class Server:
    """A server as the pace sees it: so many requests under way, each answered after its delay."""

    def __init__(self, under_way: int) -> None:
        self.now_s = 0.0
        self.pace = Pace(clock=lambda: self.now_s)
        self.under_way = under_way

    def round(self, delay_s: float, *, then: Callable[[Turn], None] = Turn.answered) -> None:
        """As many requests as the pace lets through, all under way together."""
        with ExitStack() as stack:
            count = int(min(self.under_way, self.pace.limit))
            turns = [stack.enter_context(self.pace.turn()) for _ in range(count)]
            self.now_s += delay_s
            for turn in turns:
                then(turn)

    def rounds(self, delay_s: Callable[[float], float], count: int = 60) -> None:
        for _ in range(count):
            self.round(delay_s(min(self.pace.limit, self.under_way)))


def test_quick_server_is_never_held_back() -> None:
    server = Server(64)
    server.rounds(lambda _: 0.05)
    assert server.pace.limit == math.inf


def test_refusals_that_were_under_way_together_halve_once() -> None:
    server = Server(64)
    server.round(0.1, then=Turn.refused)
    assert server.pace.limit == 32
    server.round(0.1, then=Turn.refused)
    assert server.pace.limit == 16


def test_refusals_without_end_leave_one_under_way() -> None:
    server = Server(64)
    for _ in range(20):
        server.round(0.1, then=Turn.refused)
    assert server.pace.limit == 1


def test_answers_in_time_let_one_more_through_every_few_rounds() -> None:
    server = Server(64)
    server.round(0.1, then=Turn.refused)
    server.rounds(lambda _: 0.1, count=8 * ROUNDS)
    assert 38 < server.pace.limit < 41


def test_delay_that_grows_with_what_is_under_way_slows_down() -> None:
    server = Server(4)
    server.rounds(lambda under_way: 0.1 * under_way)
    server.under_way = 64
    server.rounds(lambda under_way: 0.1 * under_way)
    assert 4 < server.pace.limit < 40


def test_delay_that_no_patience_shortens_is_taken_as_it_is() -> None:
    server = Server(64)
    server.rounds(lambda _: 0.1)
    server.rounds(lambda _: 5.0)
    assert server.pace.limit == math.inf


def test_single_late_answers_slow_nothing_down() -> None:
    server = Server(1)
    for number in range(20 * WINDOW):
        server.round(30.0 if number % 3 == 0 else 0.05)
    assert server.pace.limit == math.inf


def test_turn_waits_until_another_ends() -> None:
    server = Server(2)
    server.round(0.1, then=Turn.refused)
    order = []

    def second() -> None:
        with server.pace.turn():
            order.append("second")

    with server.pace.turn():
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.05)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}])
def test_web_busy_server_is_asked_less(upstream: Upstream, headers: dict[str, str]) -> None:
    upstream.put("/x", b"x")
    upstream.fail("/x", Fault(status=503 if headers else 429, headers=headers), times=1)
    web = Web(GoEnv(proxies=()))
    url = f"{upstream.url}/x"
    with pytest.raises(UpstreamError):
        web.read(url, where="x", limit=10)
    assert web.pace(url).limit == 1
    assert web.read(url, where="x", limit=10) == b"x"
    assert web.pace(f"{upstream.url}/y") is web.pace(url)
    web.close()
