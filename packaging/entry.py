"""Where both frozen programs start: the same `main` as `python -m station_emr`."""

import sys

from station_emr.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
