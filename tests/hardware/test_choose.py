"""Names of devices: what is said of one that cannot be used, and which one ``auto`` takes."""

import pytest
from roster import Roster, line

from qhu.errors import UserError
from qhu.hardware.choose import check_name, choose
from qhu.hardware.credentials import NoAccount
from qhu.layout.placement import place


@pytest.fixture
def lay(make_ansatz):
    """Places a circuit of two qubits with one two-qubit gate."""
    ansatz = make_ansatz(2)
    return lambda device: place(ansatz, device, optimization_level=1, seed=0)


@pytest.fixture
def roster():
    return Roster()


@pytest.mark.parametrize(
    ("name", "said", "unsaid"),
    [
        ("ibm_brisbane", ["is retired since 2025-11-03", "REHEARSE=1"], []),
        ("ibm_fez", ["REHEARSE=1"], ["retired"]),
        ("ibm_nowhere", [], ["retired", "REHEARSE"]),
        ("auto", ["REHEARSE=1"], ["retired"]),
    ],
)
def test_without_an_account_one_learns_how_to_save_it(name, said, unsaid):
    with pytest.raises(NoAccount) as caught:
        check_name(Roster(signed_in=False), name)
    text = str(caught.value)
    assert text.startswith("no IBM account: save one") and "\n" not in text
    assert all(word in text for word in said) and not any(word in text for word in unsaid)


def test_a_device_that_the_account_lacks_is_answered_by_those_it_has(roster):
    roster.add("ibm_one", line([0.01]))
    roster.add("ibm_two", line([0.01]))
    check_name(roster, "ibm_two")
    check_name(roster, "auto")
    with pytest.raises(UserError, match=r"no device 'ibm_nowhere': .* ibm_one, ibm_two, or auto$"):
        check_name(roster, "ibm_nowhere")
    with pytest.raises(UserError, match=r"retired since 2025-11-03: .*ibm_one.*--emulator auto"):
        check_name(roster, "ibm_brisbane")


def test_an_account_without_devices_says_so(roster):
    with pytest.raises(UserError, match="it can use none"):
        check_name(roster, "ibm_fez")


def test_auto_takes_the_least_error_and_then_the_shorter_queue(roster, lay):
    roster.add("ibm_poor", line([0.2]), queue=0)
    roster.add("ibm_good", line([0.0100]), queue=7)
    roster.add("ibm_same", line([0.0101]), queue=3)
    roster.add("ibm_down", line([0.0]), operational=False)
    roster.add("ibm_slow", line([0.0]), delay=0.1)
    said = []
    device, placement, properties = choose(roster, lay, said.append)
    assert device.name == placement.about["device"] == "ibm_same"
    assert properties == {"calibration": "first"}
    assert said[0] == "auto: ibm_same: least error by today's calibration, then shortest queue"
    assert [one.split(":")[0].strip() for one in said[1:4]] == ["ibm_same", "ibm_good", "ibm_poor"]
    assert said[1].endswith("% without error, queue 3")
    assert said[4:] == [
        "  ibm_down: not operational (maintenance)",
        "  ibm_slow: waits 100 ms between executions",
    ]


def test_auto_without_a_device_says_why(roster, lay):
    roster.add("ibm_down", line([0.01]), operational=False)
    with pytest.raises(UserError, match=r"no device .*ibm_down: not operational \(maintenance\)"):
        choose(roster, lay, print)
