"""`python -m gopack` is the same program as `gopack`."""

from gopack.cli.main import main

if __name__ == "__main__":
    main()
