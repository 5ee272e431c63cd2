"""Takes things from the shelves and puts them back.

A task may be carried out twice when the server is killed at the wrong moment. So every
reservation is a file named after what it is for: doing it again changes nothing.
"""

import json
import os
from pathlib import Path

RESERVATIONS = Path(os.environ["SHOP"]) / "reservations"


class WarehouseBusy(Exception):
    """Somebody else is at the shelf; a Retry of the state machine tries again."""


class OutOfStock(Exception):
    """There is none; nothing will change that soon."""


def reserve(event, context):
    """Puts one line of an order aside."""
    if event["sku"].startswith("busy-") and event["attempt"] == 0:
        raise WarehouseBusy(f"shelf of {event['sku']}")
    if event["sku"].startswith("gone-"):
        raise OutOfStock(event["sku"])
    folder = RESERVATIONS / event["orderId"]
    folder.mkdir(parents=True, exist_ok=True)
    reservation = {"sku": event["sku"], "quantity": event["quantity"]}
    (folder / f"{event['line']}.json").write_text(json.dumps(reservation))
    print(f"reserved {event['quantity']} x {event['sku']}")
    return reservation


def release(event, context):
    """Puts everything of an order back."""
    folder = RESERVATIONS / event["orderId"]
    released = 0
    for reservation in sorted(folder.glob("*.json")):
        reservation.unlink(missing_ok=True)
        released += 1
    print(f"released {released} lines of {event['orderId']}")
    return {"lines": released}
