"""The one refusal that people read: what they asked for is not done, and why.

Pages show the text, the command line prints it and ends with status 2. What a provider refuses is another matter and
another tree: `providers/failures.py`.
"""

from __future__ import annotations


class Refused(Exception):
    """What was asked for is not done; the text says why and what to do, to who asked."""
