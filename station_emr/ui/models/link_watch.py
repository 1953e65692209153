"""What the operating system says of the network: paid by the megabyte or not, and that it changed.

Windows, NetworkManager and others answer through Qt. Where nobody answers the link counts as free,
and the engine notices changes by the machine's own address.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QNetworkInformation

_Feature = QNetworkInformation.Feature


class LinkWatch(QObject):
    """Lives on the GUI thread; :meth:`metered` may be asked from any thread."""

    def __init__(self, on_change: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_change = on_change
        self._metered = False
        load = QNetworkInformation.loadBackendByFeatures
        known = load(_Feature.Metered) or load(_Feature.Reachability)
        self._network = QNetworkInformation.instance() if known else None
        if self._network is not None:
            self._metered = self._network.isMetered()
            self._network.isMeteredChanged.connect(self._set_metered)
            self._network.reachabilityChanged.connect(self._reached)

    def metered(self) -> bool:
        """Whether the link in use is paid by what it carries, as last heard."""
        return self._metered

    def _set_metered(self, metered: bool) -> None:
        self._metered = metered
        self._on_change()

    def _reached(self, reachability: QNetworkInformation.Reachability) -> None:
        if reachability is not QNetworkInformation.Reachability.Disconnected:
            self._on_change()
