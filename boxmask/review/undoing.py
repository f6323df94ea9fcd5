"""What each client can undo and redo, without limit, also after the server was started again."""

from collections import defaultdict
from collections.abc import Iterable

from boxmask.review.verdicts import Entry


class Undoing:
    """Two stacks a client: what it did, and what of it it has undone since."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_seq: dict[int, Entry] = {}
        self._done: dict[str, list[int]] = defaultdict(list)
        self._undone: dict[str, list[int]] = defaultdict(list)  # the undoing entries
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take note of an entry of any kind."""
        if entry.verdict == "audit":
            return
        self._by_seq[entry.seq] = entry
        done, undone = self._done[entry.client], self._undone[entry.client]
        target = self._by_seq.get(entry.undoes) if entry.undoes is not None else None
        if entry.undoes is None:
            done.append(entry.seq)
            undone.clear()  # as in any editor: a new deed ends what could be redone
        elif target is None:
            return  # somebody has removed its line
        elif target.undoes is None:
            _remove(done, target.seq)
            undone.append(entry.seq)
        else:
            _remove(undone, target.seq)
            done.append(target.undoes)

    def to_undo(self, client: str) -> Entry | None:
        """Return the latest entry of a client that stands."""
        done = self._done[client]
        return self._by_seq[done[-1]] if done else None

    def to_redo(self, client: str) -> Entry | None:
        """Return the latest undoing of a client that can be undone itself."""
        undone = self._undone[client]
        return self._by_seq[undone[-1]] if undone else None


def _remove(stack: list[int], seq: int) -> None:
    """Remove the last occurrence of a number, if there is one."""
    for place in reversed(range(len(stack))):
        if stack[place] == seq:
            del stack[place]
            return
