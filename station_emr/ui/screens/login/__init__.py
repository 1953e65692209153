"""Log-in and lock: who works here, a password, and nothing of patients."""

from station_emr.ui.screens.login.codes import CodesPage
from station_emr.ui.screens.login.page import LoginPage
from station_emr.ui.screens.login.recovery import RecoveryPage
from station_emr.ui.screens.login.trouble import TroublePage

__all__ = ["CodesPage", "LoginPage", "RecoveryPage", "TroublePage"]
