"""The small examples from end to end, and with a kill -9 in the middle."""

import json

import pytest

from example import Example
from stepwell_server import check_history, history, wait_for_end

WORDS = ["step", "by", "step", "the", "well", "fills", "step", "well"]
COUNTS = {"step": 3, "by": 1, "the": 1, "well": 2, "fills": 1}
POLLING = {"name": "report", "secondsBetweenPolls": 1, "pollsNeeded": 3}

# Example, input, what is printed when the server is killed, status, output or error.
CASES = [
    (
        "saga-rollback",
        {"trip": "t1", "soldOut": "nothing"},
        "→ BookFlight",
        "SUCCEEDED",
        {"trip": "t1", "bookings": ["hotel-t1", "flight-t1", "car-t1"]},
    ),
    ("saga-rollback", {"trip": "t1", "soldOut": "car"}, "→ CancelFlight", "FAILED", "SoldOut"),
    (
        "fan-out",
        {"wordsPerPiece": 3, "words": WORDS},
        "→ Count[1]",
        "SUCCEEDED",
        {"words": COUNTS, "pieces": 3},
    ),
    (
        "polling-loop",
        POLLING,
        "WaitForJob  waits 1 s",
        "SUCCEEDED",
        {"job": "job-report", "polls": 3},
    ),
    (
        "polling-loop",
        {**POLLING, "secondsBetweenPolls": 0, "pollsNeeded": 11},
        "→ AskForStatus",
        "FAILED",
        "JobTooSlow",
    ),
]


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("name, machine_input, moment, status, result", CASES)
def test_example(tmp_path, name, machine_input, moment, status, result, killed):
    example = Example(name, tmp_path).start()
    try:
        execution = example.start_execution("one", json.dumps(machine_input))
        if killed:
            example.wait_for_line(moment)
            example.kill()
            example.start()
        client = example.client()
        description = wait_for_end(client, execution)
        assert description["status"] == status
        assert result == (
            json.loads(description["output"]) if status == "SUCCEEDED" else description["error"]
        )
        check_history(history(client, execution), status)
    finally:
        stopped = example.stop()
    assert stopped == 0
