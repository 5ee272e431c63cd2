"""The order-fulfilment example from end to end, and with a kill -9 in the middle."""

import json

import pytest

from example import EXAMPLES, Example
from stepwell_server import check_history, history, wait_for_end

ORDERS = EXAMPLES / "order-fulfilment" / "orders"


@pytest.fixture
def shop(tmp_path):
    example = Example("order-fulfilment", tmp_path).start()
    example.run_beside("packers.py", SECONDS_PER_PARCEL="0.5")
    yield example
    assert example.stop() == 0


def order(name, **changes):
    return json.dumps({**json.loads((ORDERS / f"{name}.json").read_text()), **changes})


def end_of(shop, execution):
    """The description of an execution that is over, and the types of its events."""
    client = shop.client()
    description = wait_for_end(client, execution)
    events = history(client, execution)
    check_history(events, description["status"])
    return description, [event["type"] for event in events]


def payment(shop, order_id):
    return json.loads((shop.folder / ".shop" / "payments" / f"{order_id}.json").read_text())


def reservations(shop, order_id):
    return sorted(file.name for file in (shop.folder / ".shop" / "reservations" / order_id).iterdir())


def check_shipped(shop, execution, order_id, total, parcels):
    description, types = end_of(shop, execution)
    assert description["status"] == "SUCCEEDED", description.get("cause")
    assert json.loads(description["output"]) == {
        "orderId": order_id,
        "receipt": f"receipt-{order_id}",
        "tracking": f"track-{order_id}",
        "parcels": parcels,
    }
    assert payment(shop, order_id) == {
        "receipt": f"receipt-{order_id}",
        "amount": total,
        "refunded": False,
    }
    assert reservations(shop, order_id) == [f"{line}.json" for line in range(parcels)]
    return types


def test_a_large_order_waits_for_approval(shop):
    execution = shop.start_execution_as_described("large", ORDERS / "large.json")
    shop.wait_for_line("AskForApproval  waits for its task token")
    shop.run_printed_command("yes")
    types = check_shipped(shop, execution, "order-1042", 1440.5, 3)
    # The busy shelf was tried again.
    assert types.count("TaskFailed") == 1
    assert types.count("ActivityStarted") == 1
    shop.wait_for_line("order-fulfilment  SUCCEEDED after ")


def test_a_small_order_needs_no_approval(shop):
    execution = shop.start_execution("small", order("small"))
    types = check_shipped(shop, execution, "order-1043", 3.6, 1)
    assert "TaskSubmitted" not in types


def test_an_order_that_is_not_approved_is_undone(shop):
    execution = shop.start_execution("refused", order("large"))
    shop.run_printed_command("no")
    description, _ = end_of(shop, execution)
    assert (description["status"], description["error"]) == ("FAILED", "OrderNotApproved")
    assert reservations(shop, "order-1042") == []
    assert not (shop.folder / ".shop" / "payments").exists()


def test_an_order_that_cannot_be_shipped_is_undone(shop):
    execution = shop.start_execution("undeliverable", order("undeliverable"))
    description, _ = end_of(shop, execution)
    assert (description["status"], description["error"]) == ("FAILED", "AddressUnknown")
    assert payment(shop, "order-1044")["refunded"]
    assert reservations(shop, "order-1044") == []


@pytest.mark.parametrize(
    "changes, error",
    [
        ({"items": []}, "OrderRejected"),
        ({"card": "tok_declined"}, "CardDeclined"),
        ({"items": [{"sku": "gone-sofa", "quantity": 1, "price": 1.0}]}, "OutOfStock"),
    ],
)
def test_orders_that_fail_early(shop, changes, error):
    execution = shop.start_execution("early", order("small", **changes))
    description, _ = end_of(shop, execution)
    assert (description["status"], description["error"]) == ("FAILED", error)


# What is printed when the server is killed: while functions run, while a retry is due, while it
# waits for the person, while it waits for the time, while the worker packs.
MOMENTS = [
    "→ ValidateOrder",
    "retry 1 in 1 s",
    "AskForApproval  waits for its task token",
    "TimeToReconsider  waits 3 s",
    "taken by worker",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_in_the_middle(shop, moment):
    execution = shop.start_execution("killed", order("large"))
    if moment not in MOMENTS[:2]:
        # The function's last line: what it prints may be shown after the task has gone on.
        shop.wait_for_line(" no:  aws ")
    if moment in MOMENTS[3:]:
        shop.run_printed_command("yes")
    shop.wait_for_line(moment)
    shop.kill()
    shop.start()
    if moment not in MOMENTS[3:]:
        shop.run_printed_command("yes")
    check_shipped(shop, execution, "order-1042", 1440.5, 3)
