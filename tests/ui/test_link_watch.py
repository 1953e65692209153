"""A link paid by the megabyte: the operating system tells, and what is not urgent rests."""

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QNetworkInformation

from station_emr.sync.allowance import LinkCost
from station_emr.ui.models import link_watch
from station_emr.ui.models.link_watch import LinkWatch

Reachability = QNetworkInformation.Reachability


class Network(QObject):
    isMeteredChanged = Signal(bool)  # noqa: N815  a name of Qt
    reachabilityChanged = Signal(Reachability)  # noqa: N815  a name of Qt

    def __init__(self, metered):
        super().__init__()
        self._metered = metered

    def isMetered(self):  # noqa: N802  a name of Qt
        return self._metered


class FakeInformation:
    Feature = QNetworkInformation.Feature
    Reachability = Reachability
    network = None

    @classmethod
    def loadBackendByFeatures(cls, _feature):  # noqa: N802  a name of Qt
        return cls.network is not None

    @classmethod
    def instance(cls):
        return cls.network


@pytest.fixture
def network(monkeypatch, qapp):
    FakeInformation.network = Network(metered=True)
    monkeypatch.setattr(link_watch, "QNetworkInformation", FakeInformation)
    yield FakeInformation.network
    FakeInformation.network = None


def test_a_paid_link_is_known_at_once_and_its_end_wakes_the_engine(network):
    woken, cost = [], LinkCost()
    watch = LinkWatch(lambda: woken.append(True))
    assert not cost(), "without a window every link counts as free"
    cost.ask(watch.metered)
    assert cost()
    network.isMeteredChanged.emit(False)
    assert not cost()
    assert woken == [True]


def test_a_link_that_came_back_wakes_and_one_that_went_does_not(network):
    woken = []
    watch = LinkWatch(lambda: woken.append(True))
    network.reachabilityChanged.emit(Reachability.Disconnected)
    assert woken == []
    network.reachabilityChanged.emit(Reachability.Online)
    assert woken == [True]
    assert watch.metered()


def test_where_the_system_says_nothing_the_link_is_free(monkeypatch, qapp):
    monkeypatch.setattr(link_watch, "QNetworkInformation", FakeInformation)
    assert not LinkWatch(lambda: None).metered()
