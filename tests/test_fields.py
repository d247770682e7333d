"""Fields of settings: what each may be, and how a wrong one is told."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from wplus_ext.fields import Field, check, fields_of, refuse_unknown, setting


@dataclass
class Cake:
    name: str = setting("apple", "Name", "what it is called", choices=("apple", "plum"))
    layers: int = setting(3, "Layers", "of dough", low=1, high=10)
    sugar: float = setting(0.5, "Sugar", "a part", low=0.0, high=1.0)
    sliced: bool = setting(False, "Sliced", "cut up")
    topping: str | None = setting(None, "Topping", "on it", folder="toppings")
    eaten: int = 0  # not described


FIELDS = {field.name: field for field in fields_of(Cake)}


def test_only_described_fields_are_fields():
    assert list(FIELDS) == ["name", "layers", "sugar", "sliced", "topping"]


def test_a_field_is_what_stands_at_it():
    expected = Field("layers", int, 3, "Layers", "of dough", low=1, high=10)
    assert FIELDS["layers"] == expected


def test_a_field_that_may_be_none_is_optional():
    topping = FIELDS["topping"]
    assert (topping.kind, topping.optional, topping.folder) == (str, True, "toppings")
    assert not any(field.optional for field in FIELDS.values() if field is not topping)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "plum"), ("layers", 1), ("layers", 10), ("sugar", 0), ("sugar", 0.0), ("sugar", 1), ("sugar", 1.0),
        ("sliced", True), ("topping", None), ("topping", "cream"),
    ],
)  # fmt: skip
def test_what_may_be(name, value):
    """The ends of a range are in it; a whole number is a number."""
    assert check(Cake(**{name: value})) is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("name", "pear", "name is 'pear', expected one of apple, plum"),
        ("name", None, r"name is None \(NoneType\), expected a text"),
        ("layers", 0, "layers is 0, expected 1 to 10"),
        ("layers", 11, "layers is 11, expected 1 to 10"),
        ("layers", 2.0, r"layers is 2.0 \(float\), expected a whole number"),
        ("layers", True, r"layers is True \(bool\), expected a whole number"),
        ("sugar", -0.001, "sugar is -0.001, expected 0 to 1"),
        ("sugar", 1.001, "sugar is 1.001, expected 0 to 1"),
        ("sugar", float("nan"), "sugar is nan, expected 0 to 1"),
        ("sugar", False, r"sugar is False \(bool\), expected a number"),
        ("sugar", "1", r"sugar is '1' \(str\), expected a number"),
        ("sliced", 1, r"sliced is 1 \(int\), expected true or false"),
        ("topping", 1, r"topping is 1 \(int\), expected a text"),
    ],
)
def test_what_may_not_be(name, value, told):
    cake = Cake(**{name: value})
    with pytest.raises(ValueError, match=f"^{told}$"):
        check(cake)


def test_every_field_is_checked():
    wrong = Cake(topping=7)
    with pytest.raises(ValueError, match="topping"):
        check(wrong)


def test_an_unknown_name_is_told_with_a_hint():
    def hint(name, names):
        return f" ({name} of {len(names)}?)"

    with pytest.raises(ValueError, match=r"^unknown field 'salt' \(salt of 6\?\); expected name, layers, sugar, sli"):
        refuse_unknown(Cake, {"name": "plum", "salt": 1}, hint)


def test_known_names_are_not_refused():
    assert refuse_unknown(Cake, {"name": 1, "eaten": 2}, lambda name, names: "") is None
