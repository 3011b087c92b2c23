"""Random subsets of a list behave as they do connected: a few here, a hundred by `make judge`."""

from pathlib import Path

import pytest

from tests.judge.lists import filled, judge_subsets

SMALL = (
    "github.com/google/uuid@v1.6.0",
    "github.com/spf13/cobra@v1.9.1",
    "go.uber.org/zap@v1.27.0",
)
POPULAR = (
    "github.com/gin-gonic/gin",
    "github.com/spf13/cobra",
    "github.com/spf13/viper",
    "go.uber.org/zap",
    "github.com/stretchr/testify",
    "google.golang.org/grpc",
    "github.com/prometheus/client_golang/prometheus",
    "gorm.io/gorm",
    "github.com/labstack/echo/v4",
    "github.com/redis/go-redis/v9",
    "github.com/jackc/pgx/v5",
    "go.opentelemetry.io/otel/sdk",
    "github.com/BurntSushi/toml",
    "github.com/Azure/azure-sdk-for-go/sdk/azidentity",
    "github.com/hashicorp/vault/api",
    "golang.org/x/tools/go/packages",
    "k8s.io/client-go/kubernetes",
    "github.com/docker/docker/client",
)


@pytest.mark.e2e
def test_subsets_of_a_small_list_are_as_connected(tmp_path: Path) -> None:
    with filled(tmp_path, SMALL) as found:
        assert judge_subsets(found, 2) == ""
        for zip_file in (tmp_path / "ATHENS_STORAGE" / "github.com" / "spf13").rglob("source.zip"):
            zip_file.unlink()
        assert "source.zip is missing" in judge_subsets(found, 2)


@pytest.mark.judge
def test_hundred_subsets_of_popular_modules_are_as_connected(tmp_path: Path) -> None:
    with filled(tmp_path, POPULAR) as found:
        assert judge_subsets(found, 100) == ""


@pytest.mark.judge
def test_popular_modules_alone_and_together_are_as_connected(tmp_path: Path) -> None:
    with filled(tmp_path, POPULAR) as found:
        done = found.gopack("prove", "--compare")
    assert done.returncode == 0, done.stderr
    assert "are as they are connected" in done.stderr
