"""The one error that a user can cause."""


class HyperXError(Exception):
    """Something in a user's files, configuration or command is wrong.

    The message says what was wrong, where (file and line, where there is one), what was expected, and what to do.
    The command line prints it as one paragraph, without a traceback.
    """
