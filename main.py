"""Start FaceFusion Mobile Studio: its window, its command line, or one of its worker processes."""

from __future__ import annotations

import sys


def main() -> int:
    """Dispatch before anything heavy is imported."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--worker"]:
        from converters.worker import main as work

        return work(arguments[1:])
    from studio.arguments import are_for_window

    if are_for_window(arguments):
        from studio.app import main as show

        return show(arguments)
    from converters.cli import main as command

    return command(arguments)


if __name__ == "__main__":
    sys.exit(main())
