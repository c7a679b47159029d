"""What a slice rule may say, and how it is understood."""

from __future__ import annotations

import pytest

from pipeline.config import config as config_lib
from pipeline.config.evaluation import Slice
from pipeline.errors import ConfigError


def load(*slices: str):
    """The default with these slices."""
    given = f"evaluation.slices=[{', '.join(slices)}]"
    return config_lib.load((), [given]).config.evaluation.slices


@pytest.mark.parametrize(
    ("text", "keys", "title"),
    [
        ("{column: sex}", ("sex",), "sex"),
        ("{column: sex, largest: 3}", ("sex",), "sex (3 largest)"),
        ("{columns: [sex, race]}", ("sex", "race"), "sex and race"),
        ("{column: age, ranges: [18, 30.5]}", ("age",), "age in [18, 30.5]"),
        ("{ranges: {age: [1234567]}}", ("age",), "age in [1234567]"),
        ("{column: age, ranges: {age: [18]}}", ("age",), "age in [18]"),
        (
            "{columns: [sex, age], ranges: {age: [18]}}",
            ("sex", "age"),
            "sex and age in [18]",
        ),
        ("{column: sex, ranges: {age: [18]}}", ("sex", "age"), "sex and age in [18]"),
    ],
)
def test_a_rule_knows_its_columns_and_what_it_is_called(text, keys, title):
    [rule] = load(text)

    assert (rule.keys, rule.title) == (keys, title)
    assert Slice.model_validate_json(rule.model_dump_json()) == rule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{min_examples: 3}", "give column, columns or ranges"),
        ("{column: sex, columns: [race]}", "give column or columns, not both"),
        ("{columns: [sex, sex]}", "names one twice"),
        ("{columns: [age, sex], ranges: [18]}", "say of which column, {COLUMN: [0"),
        ("{column: age, ranges: [30, 18]}", "each larger than the one before"),
        ("{column: age, ranges: [18, 18]}", "each larger than the one before"),
        ("{column: age, ranges: []}", "give one number or more"),
        ("{column: age, ranges: [.nan]}", "give one number or more"),
        ("{column: age, ranges: [.inf]}", "give one number or more"),
        ("{column: age, ranges: [young]}", "valid number"),
        ("{column: sex, largest: 0}", "greater than or equal to 1"),
        ("{column: sex}, {column: sex, min_examples: 2}", "sex stands there twice"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_in_words(text, said):
    with pytest.raises(ConfigError) as raised:
        load(text)

    assert said in str(raised.value)
    assert "evaluation.slices" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "name", "made"),
    [
        ("{column: sex}", "sex=F", True),
        ("{column: sex}", "sex=", False),
        ("{column: sex}", "sexes=F", False),
        ("{column: age, ranges: [18, 30]}", "age=[18, 30)", True),
        ("{column: age, ranges: [18, 30]}", "age=missing", True),
        ("{column: age, ranges: [18, 30]}", "age=[18, 31)", False),
        ("{column: age, ranges: [18, 30]}", "age=20", False),
        ("{columns: [sex, race]}", "race=a,b,sex=F", True),
        ("{columns: [sex, race]}", "sex=F,race=a", False),
        ("{columns: [sex, race]}", "sex=F", False),
        ("{columns: [sex], ranges: {age: [18]}}", "age=[18, inf),sex=F", True),
    ],
)
def test_a_rule_knows_the_names_of_its_slices(text, name, made):
    [rule] = load(text)

    assert rule.makes(name) is made
