"""`gopack`, and `python -m gopack`, which is the same program."""

from gopack.cli.early import quit_on_interrupt


def main() -> None:
    """Run the command."""
    quit_on_interrupt()
    from gopack.cli.main import main as command  # noqa: PLC0415 - takes a while to load

    command()


if __name__ == "__main__":
    main()
