"""What a check found: counts for programs, the first broken records for people."""

from dataclasses import dataclass, field


@dataclass
class CheckReport:
    """The result of a check; the output holds if nothing is broken."""

    annotations: int  # of the input
    shown: int = 10
    broken: int = 0  # records and top-level members that are lost or changed
    first: list[str] = field(default_factory=list)  # the first of them, with what is wrong
    statuses: dict[str, int] = field(default_factory=dict)  # ok, kept, crowd, skipped, proposed
    untouched: bool = False  # the output is the input to the byte, but for what was proposed
    rectangles: int = 0  # masks that were kept and are just their box
    reasons: dict[str, int] = field(default_factory=dict)  # why annotations were skipped

    @property
    def holds(self) -> bool:
        """Tell whether every annotation is there, once, in order and unharmed."""
        return not self.broken

    def add_problem(self, record: str, problem: str) -> None:
        """Count a record that is lost or changed, and remember it if it is among the first."""
        self.broken += 1
        if len(self.first) < self.shown:
            self.first.append(f"{record}: {problem}")

    def count(self, status: str, reason: str) -> None:
        """Count what became of an annotation."""
        if status:
            name = str(status)  # plain text, also where it is one of an enumeration
            self.statuses[name] = self.statuses.get(name, 0) + 1
        if reason:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
