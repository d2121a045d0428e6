"""Nested settings as their leaves."""

from qhu.settings.dotted import leaves


def test_leaves_are_values_and_empty_mappings_by_their_keys():
    assert dict(leaves({"a": {"b": 1, "c": {"d": [2]}}, "e": {}})) == {
        ("a", "b"): 1,
        ("a", "c", "d"): [2],
        ("e",): {},
    }
