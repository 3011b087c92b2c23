"""Who is asked again, when, and who waits meanwhile. No test sleeps: the clock is a number."""

import io
import threading
import time

import pytest

from gopack.adapters.goproxy import HttpSource
from gopack.adapters.retry import Patience, RetryingSource, RetryPolicy
from gopack.adapters.web import Web
from gopack.errors import IntegrityError, NotFoundError, UpstreamError
from gopack.spec.goenv import GoEnv
from gopack.spec.goproxy import VersionList
from gopack.spec.module import ModuleVersion
from tests.upstream import Fault, Upstream

BUSY = UpstreamError("busy", status=503, retryable=True)
POLICY = RetryPolicy(tries=4, first_delay_s=1, max_delay_s=3, max_retry_after_s=60, spread_s=0)


class Time:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []
        self.stop = threading.Event()

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return self.stop.is_set()

    def patience(self, policy: RetryPolicy = POLICY) -> Patience:
        return Patience(policy, self.stop, clock=lambda: self.now, wait=self.wait, jitter=lambda: 1)


class Flaky:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "fine"


def test_ask_retryable_failure_is_asked_again_later_each_time() -> None:
    clock, call = Time(), Flaky(BUSY, BUSY, BUSY)
    assert clock.patience().ask(call) == "fine"
    assert clock.waits == [1, 2, 3]


def test_ask_gives_up_after_the_last_try() -> None:
    call = Flaky(*[BUSY] * 9)
    with pytest.raises(UpstreamError, match="busy"):
        Time().patience().ask(call)
    assert call.calls == 4


@pytest.mark.parametrize(
    "error", [UpstreamError("final"), NotFoundError("gone"), IntegrityError("lies")]
)
def test_ask_other_failures_are_final(error: Exception) -> None:
    clock, call = Time(), Flaky(error)
    with pytest.raises(type(error)):
        clock.patience().ask(call)
    assert (call.calls, clock.waits) == (1, [])


@pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (0.0, 1.0), (900.0, 60.0)])
def test_ask_retry_after_is_obeyed_up_to_a_cap(asked: float, waited: float) -> None:
    clock = Time()
    error = UpstreamError("slow down", status=503, retryable=True, retry_after_s=asked)
    clock.patience().ask(Flaky(error))
    assert clock.waits == [waited]


def test_ask_after_a_429_everybody_waits() -> None:
    clock = Time()
    patience = clock.patience(RetryPolicy(refusals=2, first_delay_s=8, max_delay_s=8, spread_s=0.5))
    with pytest.raises(UpstreamError):
        patience.ask(Flaky(*[UpstreamError("slow down", status=429, retryable=True)] * 2))
    clock.waits.clear()
    clock.now -= 3.5  # another thread comes while five of the eight seconds are over
    assert patience.ask(Flaky()) == "fine"
    assert clock.waits == [3 + 0.5]  # the jitter of this test is 1


def test_ask_what_is_refused_for_being_too_much_gets_more_tries() -> None:
    refused = UpstreamError("slow down", status=429, retryable=True)
    policy = RetryPolicy(tries=2, refusals=6)
    assert Time().patience(policy).ask(Flaky(*[refused] * 5)) == "fine"
    with pytest.raises(UpstreamError, match="slow down"):
        Time().patience(policy).ask(Flaky(*[refused] * 6))


def test_ask_stop_ends_a_real_wait_at_once() -> None:
    stop = threading.Event()
    patience = Patience(RetryPolicy(first_delay_s=60, max_delay_s=60), stop)
    threading.Timer(0.05, stop.set).start()
    started = time.monotonic()
    with pytest.raises(UpstreamError, match="busy"):
        patience.ask(Flaky(BUSY))
    assert time.monotonic() - started < 5


def test_ask_stopped_run_asks_nobody() -> None:
    clock, call = Time(), Flaky()
    clock.stop.set()
    with pytest.raises(UpstreamError, match="stopped"):
        clock.patience().ask(call)
    assert call.calls == 0


def test_copy_zip_second_try_starts_from_the_start(upstream: Upstream) -> None:
    a = ModuleVersion("example.com/a", "v1.0.0")
    upstream.add(*a)
    upstream.fail("*.zip", Fault(truncate_at=40), times=1)
    upstream.fail("*/list", Fault(status=502), times=1)
    web = Web(GoEnv(proxies=()))
    source = RetryingSource(HttpSource(upstream.url, web), Time().patience())
    target = io.BytesIO()
    assert source.read(VersionList(a.path)) == b"v1.0.0\n"
    assert source.copy_zip(a, target) == source.zip_size(a)
    assert target.getvalue() == upstream.files["/example.com/a/@v/v1.0.0.zip"][0]
    web.close()
