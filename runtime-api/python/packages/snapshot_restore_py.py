"""Hooks of functions with SnapStart, as AWS's package of this name has them.

What is to be done before the snapshot runs in reverse order, what is to be
done after each restore in the order of registration.  Without SnapStart
nothing of it runs.
"""

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    return _before_snapshot


def get_after_restore():
    return _after_restore
