"""What a decoder of ours raises on bytes that are not what it was asked for.

All of it is the user's data: JSON that is broken, text that is not UTF-8, lists in lists without
end. Whoever decodes bytes catches UNREADABLE, never a part of it.
"""

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
