"""Người dùng: who works at the station and what each may do."""

from station_emr.ui.screens.users.screen import UsersScreen

__all__ = ["UsersScreen"]
