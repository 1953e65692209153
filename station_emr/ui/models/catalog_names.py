"""What the lists are called, for every screen that names one."""

from station_emr.services.catalog_names import CATALOG_NAMES

__all__ = ["CATALOG_NAMES"]
