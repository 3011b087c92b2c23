"""What sealed queries choose from a storage, in the cases where the highest version is not it."""

from gopack.errors import NotFoundError
from gopack.flows.steps import run_steps
from gopack.plan.answering import answers
from gopack.spec import pseudo
from tests.fake_source import FakeSource
from tests.plan.test_query import NEW, OLD, PATH, repo


def chosen(source: FakeSource, **stored: bool) -> set[str]:
    """The versions chosen; `v1_0_0=True` is stored whole."""
    return chosen_of(source, {name.replace("_", "."): whole for name, whole in stored.items()})


def chosen_of(source: FakeSource, stored: dict[str, bool]) -> set[str]:
    return {module.version for module in run_steps(answers(PATH, stored), source)}


def test_list_is_that_of_the_storage() -> None:
    source = repo("v1.0.0", "v1.1.0", "v1.2.0", latest="v1.2.0")
    assert chosen(source, v1_0_0=True, v1_1_0=False) == {"v1.0.0", "v1.1.0"}
    assert not [path for path in source.asked if path.endswith(("list", "@latest"))]


def test_release_without_a_zip_wins_over_a_higher_pre_release() -> None:
    versions = {"v1.0.0": False, "v1.1.0-rc.1": True}
    assert chosen_of(repo(*versions), versions) == {"v1.0.0", "v1.1.0-rc.1"}


def test_pseudo_versions_are_chosen_by_time_not_by_number() -> None:
    newest = "v0.0.0-20230101000000-aaaaaaaaaaaa"
    higher = "v0.1.1-0.20210101000000-bbbbbbbbbbbb"
    assert pseudo.is_pseudo(newest)
    versions = {newest: False, higher: True}
    assert newest in chosen_of(repo(*versions), versions)
    versions = {OLD: False, NEW: True}
    assert chosen_of(repo(*versions), versions) == {NEW}


def test_patch_starts_from_every_whole_version() -> None:
    versions = {"v1.2.0": True, "v1.2.9": False, "v1.3.0": False, "v1.3.5": True, "v1.4.9": False}
    assert chosen_of(repo(*versions), versions) == {"v1.2.9", "v1.3.5", "v1.4.9"}


def test_retracted_versions_are_not_chosen() -> None:
    mods = {"v1.2.0": f"module {PATH}\n\nretract [v1.1.0, v1.2.0]\n"}
    source = repo("v1.0.0", "v1.1.0", "v1.2.0", mods=mods)
    assert "v1.0.0" in chosen(source, v1_0_0=False, v1_1_0=True, v1_2_0=False)
    assert "v1.2.0" not in chosen(source, v1_0_0=False, v1_1_0=True, v1_2_0=False)


def test_incompatible_versions_count_below_a_compatible_one_without_a_go_mod() -> None:
    versions = {"v1.0.0": False, "v2.0.0+incompatible": False}
    assert chosen_of(repo(*versions), versions) == {"v2.0.0+incompatible"}
    mods = {"v1.0.0": f"module {PATH}\n\ngo 1.20\n"}
    assert chosen_of(repo(*versions, mods=mods), versions) == {"v1.0.0"}


def test_module_whose_files_cannot_be_read_retracts_nothing() -> None:
    class Gone(FakeSource):
        def _find(self, path: str, where: str) -> bytes:
            raise NotFoundError("gone", where=where)

    assert chosen_of(Gone({}), {"v1.0.0": True, "v1.1.0": False}) == {"v1.0.0", "v1.1.0"}


def test_each_file_is_read_once_and_infos_only_for_their_times() -> None:
    versions = {"v1.0.0": True, "v1.1.0": False, "v1.2.0": True}
    source = repo(*versions, OLD)
    assert chosen_of(source, versions) == {"v1.0.0", "v1.2.0"}
    assert source.asked == [f"{PATH}/@v/v1.2.0.mod"]
    source.asked.clear()
    assert chosen_of(source, {OLD: True, "v1.1.0": False}) == {OLD, "v1.1.0"}
    assert sorted(source.asked) == [
        f"{PATH}/@v/{OLD}.info",
        f"{PATH}/@v/v1.1.0.info",
        f"{PATH}/@v/v1.1.0.mod",
    ]
