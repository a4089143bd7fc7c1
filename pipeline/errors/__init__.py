"""Every failure minuterisk knows, as one tree.

    MinuteriskError                 exit code 1
    ├── UsageError                  exit code 2: the person has to change something first
    │   ├── SettingsError           an unknown, malformed or contradictory setting
    │   ├── NotAllowed              the person's role, key or own proposal stands against it
    │   └── ConfigurationError      source, state or home are not as they must be (right, password, TLS, URL)
    │       └── SourceRefused       the source database refuses us: right, password, TLS, unknown host or name
    ├── PassingError                exit code 1: the same step may succeed later, nothing was lost
    │   ├── SourceUnavailable       the source database cannot be reached, goes away, or fails by itself
    │   ├── SourceTooSlow           the source database ended a query of ours that took too long
    │   ├── StateUnavailable        the operational database does not answer
    │   ├── StorageUnavailable      disk full, read-only, I/O error under the home
    │   ├── NotLeader               another process leads the pack
    │   ├── ShardLost               a process that holds windows has ended, or is silent
    │   ├── Overtaken               another job of ours replaced the files first; nothing was changed
    │   ├── NotPosted               a message certainly did not reach its channel
    │   └── PerhapsPosted           a message may have reached its channel
    ├── PermanentError              exit code 1: repeating the step cannot help
    │   ├── SourceChanged           an extraction query is wrong: its text, its columns or their types
    │   ├── SourceValueWrong        a value in the source database cannot be cast, read or stored
    │   ├── LakeDamaged             a published file is missing or not what the ledger says
    │   ├── NotChecked              a check of the published data needs too much, or is wrong itself
    │   ├── FencedOut               this process led once; a newer leader has taken over
    │   ├── Fault                   an error that no table explains: our own bug
    │   └── Refused                 a channel will never take a message (also MessageMalformed)
    └── DifferencesFound            exit code 3: a check worked and found differences

ShardLost stands in pipeline/shards/carrier.py; NotPosted, PerhapsPosted and Refused stand in
pipeline/tell/slack.py: beside what raises them.
RuleRefused, a UsageError with the place in a text that is no event rule, stands in the pack of transfers.
Driver errors are translated into these at the edge (translate.py) and nowhere else; which cause each of them
has is a table (causes.py). No text of an error holds a secret (secrets.py). A person is shown one in the
language of the page or the channel (phrases.py, korean/); logs, audit, command line and API are English.

A running service survives all of them but FencedOut and a lake that it cannot build again: people mend a
right or a query while it runs, so it tries again, slowly, and an alarm says what is wrong
(pipeline/alarms/failures.py).
"""

from __future__ import annotations

from pipeline.errors.phrases import cleaned, in_language


class MinuteriskError(Exception):
    """A failure with the value that was met (`what`) and the next step to take (`hint`)."""

    exit_code = 1
    #: The file of the extraction query that it is about, such as transactions.sql; empty: about none.
    query: str = ""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = cleaned(what)
        self.hint = cleaned(hint)
        super().__init__(self.what)

    def in_language(self, language: str) -> tuple[str, str]:
        """What was met and the next step, for a person who reads that language."""
        return in_language(self.what, language), in_language(self.hint, language)

    def __str__(self) -> str:
        return f"{self.what}\n  next: {self.hint}" if self.hint else self.what


class UsageError(MinuteriskError):
    """The person has to change something before the command can work."""

    exit_code = 2


class SettingsError(UsageError):
    """An unknown, malformed or contradictory setting."""


class NotAllowed(UsageError):
    """The actor may not do this: another role, a key for something else, or a proposal of their own."""


class ConfigurationError(UsageError):
    """A database, table, right or folder is not as it must be."""


class SourceRefused(ConfigurationError):
    """The source database refuses us: a right, a password, TLS, an unknown host, database or role."""


class PassingError(MinuteriskError):
    """The same step may succeed later; nothing was lost."""


class SourceUnavailable(PassingError):
    """The source database cannot be reached, or it goes away."""


class SourceTooSlow(PassingError):
    """The source database ended a query of ours that took too long, or one that stood in somebody's way."""


class StateUnavailable(PassingError):
    """The operational database does not answer."""


class StorageUnavailable(PassingError):
    """The disk under the home is full, read-only or failing."""


class NotLeader(PassingError):
    """Another process leads the pack."""


class Overtaken(PassingError):
    """Another job of this process replaced files that this step meant to replace; it starts anew."""


class PermanentError(MinuteriskError):
    """Repeating the same step cannot help."""


class SourceChanged(PermanentError):
    """An extraction query is wrong: its text, its columns or their types."""


class SourceValueWrong(PermanentError):
    """A value in the source database cannot be cast, read or stored; the other rows are right."""


class LakeDamaged(PermanentError):
    """A published file is missing or is not what the ledger says it is."""


class NotChecked(PermanentError):
    """A check of the published data needs more memory or room than it may have, or is wrong itself."""


class FencedOut(PermanentError):
    """This process led once; a newer leader has taken over and its commits are refused."""


class Fault(PermanentError):
    """What no table explains: a fault of minuterisk itself, to be reported."""


class DifferencesFound(MinuteriskError):
    """A check worked and found differences."""

    exit_code = 3
