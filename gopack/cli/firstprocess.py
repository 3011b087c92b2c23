"""`python -m gopack.cli.firstprocess`: how a container starts; `cli.container` does the work."""

from gopack.cli.early import quit_on_interrupt


def main() -> None:
    """Run the container's first process."""
    quit_on_interrupt()
    from gopack.cli.container import main as run  # noqa: PLC0415 - takes a while to load

    run()


if __name__ == "__main__":
    main()
