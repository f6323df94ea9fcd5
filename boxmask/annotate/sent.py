"""Which objects of a store are ours: those whose digest was noted before they were put there.

As of files (boxmask/ours.py), anything else at such a name is somebody's own.
"""

from boxmask.errors import RunError
from boxmask.ours import Notes
from boxmask.remote import Url
from boxmask.store import digest_of


class Sent(Notes):
    """Notes about objects, by URL.

    Beside digests they hold the tags that the store has given: an object that is as we left it
    need not be read.
    """

    def identity(self, url: Url, tag: str | None) -> str:
        """Return the digest of an object, "" if there is none.

        Where nothing was put to its URL by us, its tag will do: it is not read.
        """
        if tag is None:
            return ""
        unread = f"tag {tag}"
        if tag and unread in self.noted("given", url.text):
            return unread
        known = self.noted(unread, url.text) if tag else ()
        if known:
            return next(iter(known))
        if tag and not self.noted("wrote", url.text):
            return unread
        found = digest_of(url)
        if found in self.noted("wrote", url.text):
            self.is_at(url, tag, found)
        return found

    def is_at(self, url: Url, tag: str | None, digest: str) -> None:
        """Note that the object with a tag is the one with a digest."""
        if tag:
            self.note(f"tag {tag}", digest, url.text)

    def may_replace(self, url: Url, tag: str | None) -> bool:
        """Tell whether a URL is free, or its object one that was put there by us, or given."""
        known = self.noted("wrote", url.text) | self.noted("given", url.text)
        return tag is None or self.identity(url, tag) in known

    def give(self, url: Url, tag: str | None) -> None:
        """Note that what is there may be replaced."""
        if not self.may_replace(url, tag):
            self.note("given", self.identity(url, tag), url.text)

    def claim(self, url: Url, tag: str | None) -> None:
        """Raise RunError where a URL is taken by an object that is not ours."""
        if self.may_replace(url, tag):
            return
        if self.noted("wrote", url.text):
            raise RunError(
                f"{url} has been changed since this run put it there. Rename it to keep it, or "
                "give another place, or --fresh to start again and replace it."
            )
        raise RunError(
            f"{url} is there already, and not of this run. Give another place, or --fresh to "
            "start again and replace it."
        )
