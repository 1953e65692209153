"""What the lists are called, wherever one is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from station_emr.domain.catalog import CatalogKind

CATALOG_NAMES: Final[Mapping[str, str]] = {
    CatalogKind.ICD10: "Mã bệnh ICD-10",
    CatalogKind.DRUG: "Thuốc",
    CatalogKind.PROVINCE: "Tỉnh, thành phố",
    CatalogKind.COMMUNE: "Xã, phường, đặc khu",
    CatalogKind.COMMUNE_MAP: "Xã cũ và xã mới",
    CatalogKind.ETHNIC_GROUP: "Dân tộc",
    CatalogKind.OCCUPATION: "Nghề nghiệp",
    CatalogKind.NATIONALITY: "Quốc tịch",
    CatalogKind.ROUTE: "Đường dùng thuốc",
    CatalogKind.FACILITY: "Cơ sở khám, chữa bệnh",
    CatalogKind.PROCEDURE: "Dịch vụ kỹ thuật",
    CatalogKind.RAPID_TEST: "Xét nghiệm nhanh",
    CatalogKind.ONE_YEAR_REFERRAL: "Bệnh được chuyển 01 năm",
    CatalogKind.LONG_PRESCRIPTION: "Bệnh được kê trên 30 ngày",
    CatalogKind.TREATMENT_RESULT: "Kết quả điều trị",
    CatalogKind.DISCHARGE_KIND: "Loại ra viện",
    CatalogKind.CARE_KIND: "Loại khám, chữa bệnh",
    CatalogKind.VISIT_OBJECT: "Đối tượng đến khám",
    CatalogKind.REFERRAL_REASON: "Lý do chuyển cơ sở",
    CatalogKind.ACCIDENT: "Tai nạn, thương tích",
    CatalogKind.LIVING_AREA: "Khu vực sinh sống",
    CatalogKind.DEPARTMENT: "Khoa, phòng",
    CatalogKind.SEX: "Giới tính",
    CatalogKind.CARD_OBJECT: "Đối tượng thẻ bảo hiểm",
    CatalogKind.TRANSPORT: "Phương tiện vận chuyển",
    CatalogKind.APPROVED_SERVICE: "Bảng giá dịch vụ của trạm",
    CatalogKind.APPROVED_DRUG: "Thuốc được duyệt của trạm",
    CatalogKind.APPROVED_MATERIAL: "Vật tư được duyệt của trạm",
}
