"""The one error that a user can cause."""


class HyperXError(Exception):
    """Something in a user's files, configuration or command is wrong.

    The message says what was wrong, where (file and line, where there is one), what was expected, and what to do.
    The command line prints it as one paragraph, without a traceback.
    """


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the error's kind where it has none."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line.removeprefix("Got: ")  # before what kept the Hub's library from it
