# SPDX-License-Identifier: Apache-2.0
"""What a function registers to be called before the snapshot of its version is taken, and after it was restored.

The interface of AWS's package of this name, which Lambda's Python runtimes have; one that a function brings along comes first.
"""

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    """`func` is called when the initialisation is over; those registered last come first."""
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """`func` is called in each environment before its first invocation, in the order of registration."""
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    return _before_snapshot


def get_after_restore():
    return _after_restore
