"""What the saved model says of whoever made it, and in which order it was made."""

from __future__ import annotations

from trainer import export

VOCABULARIES = {b"company": "1a", b"payment": "2b"}


def name(file: str, number: int, folder: str = "/home/ann/taxi/tft") -> bytes:
    """As TensorFlow names a table."""
    tensor = f"tf.Tensor(b'{folder}/{file}', shape=(), dtype=string)"
    return f"hash_table_{tensor}_-2_-1_load_2_{number}".encode()


def test_a_table_is_named_by_its_vocabulary_and_not_by_somebodys_folder():
    names = export._table_names([name("company", 7), name("payment", 9)], VOCABULARIES)

    assert names == {
        name("company", 7): b"company_1a_0",
        name("payment", 9): b"payment_2b_0",
    }


def test_each_use_of_a_vocabulary_has_a_table_whatever_the_counters_are():
    once = export._table_names(
        [name("company", 66), name("company", 777)], VOCABULARIES
    )
    again = export._table_names([name("company", 8), name("company", 31)], VOCABULARIES)

    assert list(once.values()) == list(again.values())
    assert set(once.values()) == {b"company_1a_0", b"company_1a_1"}


def test_another_content_is_another_table():
    one = export._table_names([name("company", 7)], VOCABULARIES)
    other = export._table_names([name("company", 7)], {b"company": "3c"})

    assert one[name("company", 7)] != other[name("company", 7)]
