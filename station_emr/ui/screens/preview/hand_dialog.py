"""What a person saw: somebody signed the paper by hand, or with a finger."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.signature import SignerKind, SignMethod
from station_emr.services.i18n import _
from station_emr.services.signatures import HandSignature, check_hand
from station_emr.ui.kit import ButtonKind, ChoiceField, Form, LineField, Option, named
from station_emr.ui.kit.dialogs import Box


class HandDialog(Box):
    """Accepted only when everything that counts as evidence is filled in."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(
            parent,
            _("Ghi nhận chữ ký tay hoặc sinh trắc học"),
            _("Chương trình chỉ ghi nhận việc đã ký, không lưu mẫu vân tay hay khuôn mặt."),
        )
        self.form = Form("hand")
        methods = (SignMethod.PAPER, SignMethod.BIOMETRIC)
        self.method = ChoiceField([Option(one.value, _(one.label)) for one in methods])
        self.kind = ChoiceField([Option(one.value, _(one.label)) for one in SignerKind])
        self.form.add_row(
            ("method", _("&Cách ký"), self.method), ("signer_kind", _("Người &ký là"), self.kind)
        )
        self.name = self.form.add("signer_name", _("&Họ tên người ký"), LineField(), required=True)
        self.relation = self.form.add("relation", _("&Quan hệ với người bệnh"), LineField())
        self.witness = self.form.add("witness", _("Người chứng k&iến"), LineField(), required=True)
        self.number = self.form.add(
            "evidence_number",
            _("&Số, nơi lưu tờ giấy hoặc tên thiết bị"),
            LineField(),
            required=True,
        )
        self.note = self.form.add("note", _("&Ghi chú"), LineField())
        self.content.addWidget(self.form)
        self.method.set_value(SignMethod.PAPER.value)
        self.kind.set_value(SignerKind.PATIENT.value)
        self.add_button(_("Quay lại"), "dialog.no")
        self.add_button(_("Ghi nhận"), "dialog.yes", kind=ButtonKind.PRIMARY, accept=True)
        named(self.form, "hand.form")
        self.method.editor.setFocus()

    def hand(self) -> HandSignature:
        return HandSignature(
            method=SignMethod(str(self.method.value())),
            signer_kind=SignerKind(str(self.kind.value())),
            signer_name=self.name.value(),
            relation=self.relation.value(),
            witness=self.witness.value(),
            evidence_number=self.number.value(),
            note=self.note.value(),
        )

    @override
    def accept(self) -> None:
        problems = check_hand(self.hand())
        self.form.set_problems(problems)
        if not problems:
            super().accept()
