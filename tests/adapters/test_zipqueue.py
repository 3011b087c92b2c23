"""Which worker reads which zip next, and what beside what."""

from gopack.adapters.zipqueue import (
    MOST_LOOKS,
    MOST_SMALL,
    Job,
    JobQueue,
    Lanes,
    Load,
)
from gopack.adapters.zips import SMALL_BYTES
from gopack.spec.module import ModuleVersion


def queue(*jobs: tuple[str, float]) -> JobQueue:
    made = JobQueue()
    for number, (path, rank) in enumerate(jobs):
        made.put(job(number, path, rank))
    return made


def job(number: int, path: str, rank: float = 0, verb: str = "check") -> Job:
    return Job(rank, number, verb, ModuleVersion(path, f"v1.{number}.0"), frozenset())


def taken(jobs: JobQueue, mine: str = "", others: str = "") -> tuple[str, int] | None:
    found = jobs.take(mine, others)
    return found and (found.module.path, found.number)


def test_take_lowest_rank_comes_first_then_the_first_put() -> None:
    jobs = queue(("a", 0), ("b", -2), ("c", -1), ("d", -2))
    assert [taken(jobs) for _ in range(5)] == [("b", 1), ("d", 3), ("c", 2), ("a", 0), None]


def test_take_worker_goes_on_with_its_module_best_version_first() -> None:
    jobs = queue(("a", 0), ("b", -9), ("a", -1), ("c", -5))
    assert [taken(jobs, mine="a"), taken(jobs, mine="a")] == [("a", 2), ("a", 0)]
    assert [taken(jobs, mine="a"), taken(jobs, mine="xc")] == [("b", 1), ("c", 3)]


def test_take_of_its_modules_the_first_that_waits_is_taken() -> None:
    jobs = queue(("a", 0), ("b", -1))
    assert taken(jobs, mine="xab") == ("a", 0)


def test_take_leaves_another_workers_module_alone_while_there_are_others() -> None:
    jobs = queue(("a", -9), ("b", 0), ("a", -8))
    assert [taken(jobs, others="a"), taken(jobs, others="a")] == [("b", 1), ("a", 0)]
    assert taken(jobs) == ("a", 2)


def test_take_module_that_was_left_alone_keeps_its_place() -> None:
    jobs = queue(("a", -9), ("b", 0), ("c", -5))
    assert [taken(jobs, others="ac"), taken(jobs)] == [("b", 1), ("a", 0)]


def test_take_better_job_of_a_module_moves_it_forward() -> None:
    jobs = queue(("a", 0), ("b", -1))
    jobs.put(job(2, "a", -2))
    assert [taken(jobs), taken(jobs), taken(jobs)] == [("a", 2), ("a", 0), ("b", 1)]


def test_take_module_comes_back_after_it_ran_out() -> None:
    jobs = queue(("a", 0))
    assert taken(jobs) == ("a", 0)
    jobs.put(job(1, "a"))
    assert [taken(jobs), taken(jobs)] == [("a", 1), None]


def test_iterating_gives_all_that_wait() -> None:
    jobs = queue(("a", 0), ("b", 0), ("a", 0))
    jobs.take("b", "")
    assert sorted(each.number for each in jobs) == [0, 2]


BIG, SMALL, LOOK = -SMALL_BYTES - 1.0, -float(SMALL_BYTES), 0.0


def lanes(*jobs: tuple[str, float]) -> Lanes:
    """Wait for these: a path starts with `l` where a zip is looked into, else it is fetched."""
    made = Lanes()
    for number, (path, rank) in enumerate(jobs):
        made.put(job(number, path, rank, "packages" if path[0] == "l" else "fetch"))
    return made


def given(waiting: Lanes, mine: Load, *others: Load) -> list[str]:
    """Give a worker all that it has room for."""
    paths = []
    while (found := waiting.take(mine, others)) is not None:
        paths.append(found.module.path)
    return paths


def test_lanes_small_zips_come_beside_the_big_ones() -> None:
    waiting = lanes(*[("big", BIG)] * 3, *[("small", SMALL)] * 3)
    mine = Load(threads=2)
    assert given(waiting, mine) == ["small", "small", "big", "big"]
    assert len(mine.jobs) == len("1234") <= mine.most


def test_lanes_zip_of_unknown_size_is_no_small_one() -> None:
    waiting = lanes(("unknown", 0), ("unknown", 0), ("small", SMALL))
    assert given(waiting, Load(threads=1)) == ["small", "unknown"]


def test_lanes_small_zips_take_the_place_of_big_ones_where_none_wait() -> None:
    waiting = lanes(*[("small", SMALL)] * 9)
    mine = Load(threads=2)
    assert given(waiting, mine) == ["small"] * 4
    assert len(list(waiting)) == len("56789")


def test_lanes_who_looks_into_zips_goes_first_and_takes_no_place_of_what_comes() -> None:
    waiting = lanes(("big", BIG), *[("look", LOOK)] * (MOST_LOOKS + 1))
    assert given(waiting, Load(threads=8)) == ["look"] * MOST_LOOKS + ["big"]


def test_lanes_place_that_ends_is_free_for_its_lane() -> None:
    waiting = lanes(("big", BIG), ("small", SMALL), ("big", BIG), ("small", SMALL))
    mine = Load(threads=1)
    assert given(waiting, mine) == ["small", "big"]
    mine.end(0)
    assert given(waiting, mine) == ["big"]
    mine.end(1)
    assert given(waiting, mine) == ["small"]
    assert sorted(mine.jobs) == [2, 3]


def test_lanes_worker_keeps_its_module_in_each() -> None:
    waiting = lanes(("a", BIG), ("b", BIG), ("c", SMALL), ("d", SMALL), ("b", BIG), ("c", SMALL))
    one, other = Load(threads=1), Load(threads=1)
    assert [given(waiting, one), given(waiting, other, one)] == [["c", "a"], ["d", "b"]]
    for number in range(4):
        one.end(number)
        other.end(number)
    assert [given(waiting, other, one), given(waiting, one, other)] == [["c", "b"], []]


def test_load_few_threads_are_few_in_each_lane() -> None:
    assert Load(threads=1).most == len(["look", "small", "big"])
    assert Load(threads=99).most == 99 + MOST_SMALL + MOST_LOOKS
