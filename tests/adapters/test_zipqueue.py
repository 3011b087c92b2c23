"""Which worker reads which zip next."""

from gopack.adapters.zipqueue import Job, JobQueue
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


def test_take_packages_go_before_everything() -> None:
    jobs = queue(("a", -9))
    jobs.put(job(1, "b", verb="packages"))
    assert taken(jobs, mine="a") == ("b", 1)


def test_iterating_gives_all_that_wait() -> None:
    jobs = queue(("a", 0), ("b", 0), ("a", 0))
    jobs.put(job(3, "c", verb="packages"))
    jobs.take("", "")
    jobs.take("b", "")
    assert sorted(each.number for each in jobs) == [0, 2]
