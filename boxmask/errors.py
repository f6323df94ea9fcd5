"""The errors that boxmask raises on purpose.

BoxmaskError
├── InputError      a file or a record that the user gave is not what it should be
├── ConfigError     options that do not go together, an unknown name
├── WeightsError    a weights file that is broken or does not fit its config
└── RunError        the run cannot go on: a locked work folder, a full disk, a changed plan

Every message names the file, the record, the value found, and what to do next. Library code raises
these and never prints; the command line prints the message to stderr and exits with a status of
boxmask/cli/exit_status.py.
"""


class BoxmaskError(Exception):
    """Anything that boxmask reports to its user as a plain sentence.

    >>> try:
    ...     boxmask.read("none.json")
    ... except boxmask.BoxmaskError as error:
    ...     print(error)
    none.json: cannot be read: No such file or directory.
    """


class InputError(BoxmaskError):
    """A file or a record that the user gave is not what it should be."""


class ConfigError(BoxmaskError):
    """Options that do not go together, or a name that nothing is registered under."""


class WeightsError(BoxmaskError):
    """A weights file that is broken, of the wrong kind, or does not fit its own config."""


class RunError(BoxmaskError):
    """The run cannot go on: a locked work folder, a full disk, a plan that has changed."""
