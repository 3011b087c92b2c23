"""How many small requests are under way: few at a near server, many at a far one."""

import threading

import pytest

from gopack.adapters.crowd import BUSY_S, FIRST, REQUEST_S, WINDOW, Crowd
from tests.waiting import until


def ask(crowd: Crowd, delay_s: float, times: int = 1) -> None:
    for _ in range(times):
        with crowd.one():
            crowd.answered(delay_s)


@pytest.mark.parametrize(
    ("delay_s", "limit"),
    [(0, 1), (BUSY_S, 1), (BUSY_S + 3 * REQUEST_S, 3), (0.1, (0.1 - BUSY_S) / REQUEST_S)],
)
def test_so_many_are_let_in_as_can_ask_meanwhile(delay_s: float, limit: float) -> None:
    crowd = Crowd()
    ask(crowd, delay_s, times=FIRST - 1)
    assert crowd.limit == FIRST, "it is too early to tell"
    ask(crowd, delay_s)
    assert crowd.limit == limit


def test_proxy_that_fetches_much_itself_is_asked_for_much_at_once() -> None:
    crowd = Crowd()
    for _ in range(WINDOW):
        ask(crowd, 0.0005, times=9)
        ask(crowd, 0.5)
    assert crowd.limit >= 32
    ask(crowd, 0.0005, times=WINDOW)
    assert crowd.limit == 1


def test_those_who_wait_for_each_other_become_fewer() -> None:
    crowd = Crowd()
    crowd.limit = 96
    for _ in range(6 * WINDOW):
        ask(crowd, crowd.limit * 0.6 * REQUEST_S)
    assert crowd.limit == 1


def test_more_are_let_in_as_soon_as_more_may_be() -> None:
    crowd = Crowd()
    crowd.limit = 1
    is_in = threading.Event()

    def come() -> None:
        with crowd.one():
            is_in.set()

    with crowd.one():
        thread = threading.Thread(target=come)
        thread.start()
        until(lambda: crowd.waiting == 1)
        for _ in range(FIRST):
            crowd.answered(1.0)
        assert is_in.wait(timeout=20)
    thread.join()
