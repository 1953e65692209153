"""Joins the national gateways: the lines, the loop that sends, and what people see of them."""

from __future__ import annotations

from station_emr.interop.prescription.national import national_document
from station_emr.machine_identity import MachineIdentity
from station_emr.printing.gateway_papers import PdfGatewayPapers
from station_emr.services.claim_files import ClaimFiles
from station_emr.services.claim_ports import XmlSigner
from station_emr.services.claim_settings import ClaimSettingsDesk
from station_emr.services.claims import Claims
from station_emr.services.gateway_cards import CardAsker, Cards
from station_emr.services.gateway_day import ClaimDay
from station_emr.services.gateway_ports import ClaimChecks
from station_emr.services.gateway_sending import GatewaySender, SendingMeans
from station_emr.services.gateways import Gateways
from station_emr.services.ports import Clock, Store
from station_emr.sync.allowance import Allowance, LinkCost
from station_emr.sync.gateways.line import GatewayPatience
from station_emr.sync.gateways.lines import GatewaysOverHttp
from station_emr.sync.gateways.loop import GatewayLoop


def build_gateways(
    store: Store,
    clock: Clock,
    identity: MachineIdentity,
    files: ClaimFiles,
    checks: ClaimChecks,
    claims: Claims,
    signer: XmlSigner,
    loop: GatewayLoop,
    link_cost: LinkCost | None = None,
    patience: GatewayPatience | None = None,
) -> Gateways:
    """``loop`` is told what to send by; it runs while the station is open. ``link_cost`` says whether
    the link in use is paid by what it carries.
    """
    lines = GatewaysOverHttp(clock, patience)
    allowance = Allowance(store, clock, link_cost or LinkCost())
    sender = GatewaySender(
        store,
        clock,
        SendingMeans(
            secrets=identity.secrets,
            lines=lines,
            write_prescription=national_document,
            check_ins=files,
            cards=CardAsker(store, clock, lines),
            turn=identity.gateway_turn,
            reason_to_rest=lambda: allowance.reason_to_rest(0),
        ),
    )
    loop.send_by(sender)
    return Gateways(
        store,
        clock,
        lines,
        loop,
        PdfGatewayPapers(),
        settings=ClaimSettingsDesk(store, clock, identity.secrets, lines),
        cards=Cards(store, clock, identity.secrets, lines),
        day=ClaimDay(store, clock, claims, files, checks, loop, signer),
    )
