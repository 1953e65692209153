"""Danh mục: the code lists, searched and renewed from official files."""

from station_emr.ui.screens.catalogs.screen import CatalogsScreen

__all__ = ["CatalogsScreen"]
