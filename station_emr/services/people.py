"""Everything about who comes in and what they may do, as the screens receive it."""

from __future__ import annotations

from dataclasses import dataclass

from .access import Access
from .accounts import Accounts
from .directors import Directors
from .emergency import Emergency
from .patients import Patients
from .ports import Clock, Store
from .roles import Roles
from .second_factor import Picture, SecondFactor


@dataclass
class People:
    """One part for each subject."""

    access: Access
    directors: Directors
    roles: Roles
    emergency: Emergency
    second_factor: SecondFactor


def build_people(
    store: Store, clock: Clock, accounts: Accounts, patients: Patients, picture: Picture
) -> People:
    return People(
        access=Access(store, clock, accounts),
        directors=Directors(store, clock, accounts),
        roles=Roles(store, clock),
        emergency=Emergency(store, clock, patients),
        second_factor=SecondFactor(store, clock, picture),
    )
