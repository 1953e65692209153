import pytest

from station_emr.domain.drug_names import same_drug


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("Amoxicillin", "amoxicilin"),
        ("Dị ứng thuốc amoxicilline 500mg", "amoxicilin"),
        ("Penicillin G", "penicillin"),
        ("Cephalexin", "cefalexin"),
        ("Azithromycin", "azitromycin"),
        ("acetaminophen", "paracetamol"),
        ("Aspirin", "acid acetylsalicylic"),
        ("Sulfamid", "sulfonamide"),
        ("beta-lactam", "beta_lactam"),
    ],
)
def test_spellings_of_one_drug_meet(written, listed):
    assert same_drug(written, listed)
    assert same_drug(listed, written)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Penicillin", "benzathin"), ("Tôm, cua", "paracetamol"), ("", "codein"), ("K", "vitamin k1")],
)
def test_other_drugs_do_not(one, other):
    assert not same_drug(one, other)
