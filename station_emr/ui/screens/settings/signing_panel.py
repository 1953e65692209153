"""Ký số: which method each paper needs, where this machine finds its key, whom it trusts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.record import RecordKind
from station_emr.domain.signature import (
    CertificateFacts,
    CertificateStanding,
    KeySource,
    KeySourceKind,
    Reentry,
    SigningPolicy,
    SignMethod,
)
from station_emr.services.i18n import _
from station_emr.services.secret import Secret
from station_emr.services.signing import KeyTest
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    ChoiceField,
    Form,
    LineField,
    Message,
    Option,
    SegmentedField,
    Severity,
    Shortcut,
    dialogs,
    hbox,
    label,
    named,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane

T = TypeVar("T")
_KINDS: Final[Mapping[RecordKind, str]] = {
    RecordKind.REFERRAL: "Phiếu &chuyển",
    RecordKind.PRESCRIPTION: "Đơn &thuốc",
    RecordKind.APPOINTMENT: "Phiếu &hẹn",
    RecordKind.CERTIFICATE: "G&iấy nghỉ BHXH",
    RecordKind.BILL: "Bảng kê &01",
    RecordKind.ENCOUNTER: "&Lượt khám",
}
_METHODS: Final = (SignMethod.DIGITAL_CERT, SignMethod.E_CONFIRM)
_LIBRARIES: Final = "Thư viện (*.dll *.so *.dylib);;Mọi tệp (*)"
_FILES: Final = "Tệp chứng thư (*.p12 *.pfx);;Mọi tệp (*)"
_ROOTS: Final = "Chứng thư (*.pem *.crt *.cer);;Mọi tệp (*)"
_ONLY: Final = ""


@dataclass(frozen=True, slots=True)
class Kept:
    policy: SigningPolicy
    source: KeySource | None


def certificate_words(facts: CertificateFacts) -> str:
    return _("{subject}, hạn {until}, do {issuer} cấp").format(
        subject=facts.subject, until=f"{facts.not_after:%d/%m/%Y}", issuer=facts.issuer
    )


class SigningPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.signing_panel",
            _("Ký số"),
            _(
                "Giấy đưa ra ngoài trạm cần chữ ký số để thay chữ ký tay và con dấu. Khi máy chưa có "
                "token, giấy vẫn ký xác nhận được và ký tay trên bản in."
            ),
        )
        self.form = Form("signing")
        self._method_parts()
        self._key_parts()
        self._trust_parts()
        self.add(self.form)
        self.note = Banner("settings.signing.note", closable=False)
        self.add(self.note)
        self._save = primary(_("Lưu"), "settings.signing.save", Shortcut.SAVE)
        self.try_it = secondary(_("&Dùng thử khóa"), "settings.signing.test", icon="certificate")
        self._save.clicked.connect(self.save)
        self.try_it.clicked.connect(self._test)
        self.body.addSpacing(GAP_S)
        self.body.addLayout(hbox(self._save, self.try_it, None, gap=GAP_S))
        self.body.addStretch(1)

    def _method_parts(self) -> None:
        self.form.add_heading(_("Cách ký từng loại giấy (theo quy chế của trạm)"))
        options = [Option(method.value, _(method.label)) for method in _METHODS]
        self.methods = {kind: ChoiceField(options) for kind in _KINDS}
        rows = list(_KINDS.items())
        for place in range(0, len(rows), 2):
            self.form.add_row(
                *(
                    (kind.value, _(text), self.methods[kind])
                    for kind, text in rows[place : place + 2]
                )
            )
        self.reentry = self.form.add(
            "reentry",
            _("Khi &ký xác nhận"),
            ChoiceField([Option(one.value, _(one.label)) for one in Reentry]),
        )

    def _key_parts(self) -> None:
        self.form.add_heading(_("Khóa ký trên máy này"))
        self.kind = self.form.add(
            "kind",
            _("&Nguồn khóa"),
            SegmentedField(
                [
                    ("none", _("Chưa dùng")),
                    *((one.value, _(one.label)) for one in KeySourceKind),
                ]
            ),
        )
        for place, button in enumerate(self.kind.buttons):
            named(button, f"signing.kind.{place}")
        self.path = LineField()
        named(self.path.editor, "signing.path")
        self.browse = secondary(_("Chọn tệ&p…"), "settings.signing.browse")
        self._caption = label(_("Tệp thư &viện của nhà cung cấp"), "label")
        self._caption.setBuddy(self.path.editor)
        self.path.set_spoken(_("Tệp thư viện của nhà cung cấp"))
        row = hbox(self.path, self.browse, gap=GAP_S)
        row.setStretch(0, 1)
        row.setAlignment(self.browse, Qt.AlignmentFlag.AlignTop)  # a hint stands under the field
        box = QWidget()
        vbox(self._caption, row, gap=2, parent=box)
        self._path_box = box
        self.form.add_widget(box)
        self.certificate = ChoiceField([Option(_ONLY, _("Chứng thư duy nhất trong thiết bị"))])
        named(self.certificate.editor, "signing.certificate")
        self.certificate.set_spoken(_("Chứng thư ký"))
        self.look = secondary(_("Đọc thiết &bị"), "settings.signing.look")
        caption = label(_("&Sử dụng chứng thư"), "label")
        caption.setBuddy(self.certificate.editor)
        row = hbox(self.certificate, self.look, gap=GAP_S)
        row.setStretch(0, 1)
        box = QWidget()
        vbox(caption, row, gap=2, parent=box)
        self._certificate_box = box
        self.form.add_widget(box)
        self.kind.changed.connect(self._follow_kind)
        self.browse.clicked.connect(self._browse)
        self.look.clicked.connect(self._look)

    def _trust_parts(self) -> None:
        words = label(
            _("Nơi cấp chứng thư được tin cậy khi kiểm tra tệp đã ký."), "muted", wrap=True
        )
        self.trust = secondary(
            _("Chọn chứng thư &gốc…"), "settings.signing.trust", icon="certificate"
        )
        self.trust.clicked.connect(self._trust)
        row = hbox(words, self.trust, gap=GAP_M)
        row.setStretch(0, 1)
        box = QWidget()
        vbox(row, parent=box)
        self.form.add_widget(box)

    # -- showing -------------------------------------------------------------------------------

    @override
    def load(self) -> None:
        signing = self._services.signing
        self._session.ask(lambda: Kept(signing.policy(), signing.source()), self._show, owner=self)

    @override
    def focus(self) -> QWidget:
        return self.methods[RecordKind.REFERRAL].editor

    def _show(self, kept: Kept) -> None:
        for kind, field in self.methods.items():
            field.set_value(kept.policy.method(kind).value)
        self.reentry.set_value(kept.policy.reentry.value)
        source = kept.source
        self.kind.set_value("none" if source is None else source.kind.value)
        self.path.set_value("" if source is None else source.path)
        chosen = "" if source is None else source.certificate
        if chosen:
            self.certificate.set_options([*self._only(), Option(chosen, _("Chứng thư đã chọn"))])
        self.certificate.set_value(chosen)
        self._follow_kind()

    @staticmethod
    def _only() -> list[Option]:
        return [Option(_ONLY, _("Chứng thư duy nhất trong thiết bị"))]

    def _follow_kind(self) -> None:
        kind = self.kind.value()
        for box in (self._path_box, self._certificate_box):
            box.setVisible(kind != "none")
        self.try_it.setEnabled(kind != "none")
        file = kind == KeySourceKind.FILE.value
        text = _("&Vị trí tệp chứng thư") if file else _("Tệp thư &viện của nhà cung cấp")
        self._caption.setText(text)
        self.path.set_hint(
            ""
            if file
            else _("Phần mềm của nhà cung cấp chữ ký số cài tệp này vào máy, thường là .dll.")
        )

    def _source(self) -> KeySource | None:
        kind = str(self.kind.value())
        if kind == "none":
            return None
        return KeySource(
            kind=KeySourceKind(kind),
            path=self.path.value().strip(),
            certificate=str(self.certificate.value() or ""),
        )

    # -- the key -------------------------------------------------------------------------------

    def _browse(self) -> None:
        file = self.kind.value() == KeySourceKind.FILE.value
        title = _("Chọn tệp chứng thư") if file else _("Chọn thư viện của USB token")
        found = dialogs.open_file(self, title, _(_FILES if file else _LIBRARIES))
        if found is not None:
            self.path.set_value(str(found))

    def _look(self) -> None:
        """Which certificates the device or the file offers."""
        source = self._source()
        if source is None or not self._path_given(source):
            return
        secret = ""
        if source.kind is KeySourceKind.FILE:
            typed = self._ask_secret(source)
            if typed is None:
                return
            secret = typed
        self._told(_("Đang đọc thiết bị…"), Severity.INFO)
        self._at_device(
            lambda: self._services.signing.certificates(self._actor, source, secret), self._offered
        )

    def _offered(self, found: tuple[CertificateFacts, ...]) -> None:
        before = self.certificate.value()
        self.certificate.set_options(
            [*self._only(), *(Option(one.fingerprint, certificate_words(one)) for one in found)]
        )
        self.certificate.set_value(before)
        if len(found) == 1:
            self.certificate.set_value(found[0].fingerprint)
        self._told(_("Thiết bị có {count} chứng thư.").format(count=len(found)), Severity.SUCCESS)

    def _ask_secret(self, source: KeySource) -> str | None:
        file = source.kind is KeySourceKind.FILE
        return dialogs.ask_password(
            self,
            _("Mật khẩu của tệp chứng thư") if file else _("Mã PIN của USB token"),
            _("Chỉ dùng cho lần này và không được lưu lại."),
            label=_("Mật khẩu của tệp") if file else _("Mã PIN"),
        )

    def _test(self) -> None:
        """Save first: what is tried is what will be used."""
        source = self._source()
        if source is None or not self._path_given(source):
            return
        typed = self._ask_secret(source)
        if typed is None:
            return
        secret, signing, actor = Secret(typed), self._services.signing, self._actor
        self._told(_("Đang ký thử và hỏi nơi cấp chứng thư…"), Severity.INFO)

        def work() -> KeyTest:
            signing.save_source(actor, source)
            return signing.test(actor, secret)

        self._at_device(work, self._tested)

    def _tested(self, found: KeyTest) -> None:
        words = _("Ký thử được. Chứng thư: {words}. {standing}.").format(
            words=certificate_words(found.facts), standing=_(found.report.standing.label)
        )
        severities = {
            CertificateStanding.GOOD: Severity.SUCCESS,
            CertificateStanding.UNKNOWN: Severity.INFO,
            CertificateStanding.REVOKED: Severity.DANGER,
        }
        self._told(words, severities[found.report.standing])

    def _at_device(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """A token and the issuer take their time: never in the lane of the database."""
        self._busy(on=True)
        self._session.runner.run(
            work,
            done=done,
            failed=lambda error: self._told(str(error), Severity.DANGER),
            finally_=lambda: self._busy(on=False),
            owner=self,
            lane=Lane.POOL,
        )

    def _busy(self, *, on: bool) -> None:
        for button in (self._save, self.try_it, self.look, self.trust):
            button.setEnabled(not on)

    def _path_given(self, source: KeySource) -> bool:
        missing = not source.path
        self.path.set_problem(_("Hãy chọn tệp.") if missing else None)
        return not missing

    def _trust(self) -> None:
        path = dialogs.open_file(self, _("Chọn chứng thư gốc của nơi cấp"), _(_ROOTS))
        if path is None:
            return
        self._session.ask(
            lambda: self._services.signatures.trust(self._actor, str(path)),
            lambda _nothing: self._told(_("Đã tin cậy nơi cấp này."), Severity.SUCCESS),
            owner=self,
            failed=lambda error: self._told(str(error), Severity.DANGER),
        )

    # -- saving --------------------------------------------------------------------------------

    @override
    def save(self) -> None:
        source = self._source()
        if source is not None and not self._path_given(source):
            return
        signing, actor = self._services.signing, self._actor
        methods = {kind: SignMethod(str(f.value())) for kind, f in self.methods.items()}
        reentry = Reentry(str(self.reentry.value()))

        def write() -> None:
            kept = signing.policy()
            policy = replace(kept, methods=methods, reentry=reentry)
            if policy != kept:
                signing.save_policy(actor, policy)
            if source != signing.source():
                signing.save_source(actor, source)

        self._session.ask(write, self._saved, owner=self, failed=self._not_saved)

    def _saved(self, _nothing: None) -> None:
        self._told(_("Đã lưu. Có hiệu lực với giấy ký từ bây giờ."), Severity.SUCCESS)
        self.load()

    def _not_saved(self, error: StationError) -> None:
        self._refused(error, self.form)

    def _told(self, text: str, severity: Severity) -> None:
        self.note.show_message(Message(text=text, severity=severity))
