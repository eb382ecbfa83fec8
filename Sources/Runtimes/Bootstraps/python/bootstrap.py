# SPDX-License-Identifier: Apache-2.0
"""The process of a python3.x function: `python3.x /var/rapid/python/bootstrap.py`.

Holds nothing but the start, for two reasons: the main module is compiled anew by every interpreter while
`_martlet_runtime` may have its byte code cached beside it, and multiprocessing's spawn runs the main module again
in each child.
"""

if __name__ == "__main__":
    import sys

    # The interpreter put this file's directory first; the function's code must not find our modules there.
    import _martlet_runtime

    sys.path.pop(0)
    _martlet_runtime.main()
