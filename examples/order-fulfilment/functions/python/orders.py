"""Looks at an order before anything happens to it."""


class OrderRejected(Exception):
    """The order makes no sense; the error's name in the state machine is this class's name."""


def validate(event, context):
    """Checks the order and adds its total."""
    items = event.get("items", [])
    if not items:
        raise OrderRejected("the order has no items")
    for item in items:
        if item["quantity"] < 1:
            raise OrderRejected(f"{item['quantity']} pieces of {item['sku']}")
    total = sum(item["quantity"] * item["price"] for item in items)
    return {**event, "total": round(total, 2)}
