"""In: an address. Out: exit code 0 when it answers, for images that hold neither curl nor wget."""

from __future__ import annotations

import sys
import urllib.request

if __name__ == "__main__":
    try:
        urllib.request.urlopen(sys.argv[1], timeout=8).close()
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
