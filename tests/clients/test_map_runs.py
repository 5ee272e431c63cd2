"""Distributed Maps that read their items from S3 and export their results to it; moto stands in for S3."""

import gzip
import json
import time

import boto3
import pytest

from stepwell_server import REGION, ROLE, Server, wait_for_end

BUCKET = "items"


@pytest.fixture(scope="module")
def s3(moto):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("s3", endpoint_url=moto, region_name=REGION, **keys)
    client.create_bucket(Bucket=BUCKET)
    return client


def new_server(folder, moto):
    server = Server(folder, ["slow"], "timeout_seconds = 30")
    with server.config.open("a") as config:
        config.write(f'[[routes]]\nresource = "aws-sdk:s3:*"\nendpoint = "{moto}"\n')
    return server


@pytest.fixture(scope="module")
def stepwell(moto, tmp_path_factory):
    server = new_server(tmp_path_factory.mktemp("map_runs"), moto)
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def client(stepwell):
    return stepwell.client()


def map_state(reader=None, states=None, kind="STANDARD", **fields):
    """A distributed Map; its children answer with their input unless `states` says otherwise."""
    states = states or {"P": {"Type": "Pass", "End": True}}
    if reader:
        config, resource, parameters = reader
        fields["ItemReader"] = {
            "Resource": f"arn:aws:states:::s3:{resource}",
            "ReaderConfig": config,
            "Parameters": parameters,
        }
    return {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            "StartAt": next(iter(states)),
            "States": states,
        },
        "End": True,
        **fields,
    }


@pytest.fixture
def run(client, new_name):
    """Runs a Map, and answers with its result, or its error and cause."""

    def run(state, value=None):
        definition = json.dumps({"StartAt": "M", "States": {"M": state}})
        machine = client.create_state_machine(name=new_name(), definition=definition, roleArn=ROLE)
        arn = machine["stateMachineArn"]
        started = client.start_execution(stateMachineArn=arn, input=json.dumps(value or {}))
        ended = wait_for_end(client, started["executionArn"])
        if ended["status"] == "SUCCEEDED":
            return json.loads(ended["output"])
        return ended["error"], ended["cause"]

    return run


@pytest.fixture
def put(s3):
    def put(key, body):
        body = body if isinstance(body, bytes) else body.encode()
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return {"Bucket": BUCKET, "Key": key}

    return put


def test_rows_of_a_csv_file(run, put):
    config = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "SEMICOLON"}
    place = put("rows/a b.csv", 'id;name\n1;"one;\n""1"""\n2\n')
    selector = {
        "index.$": "$$.Map.Item.Index",
        "value.$": "$$.Map.Item.Value",
        "source.$": "$$.Map.Item.Source",
    }
    items = run(map_state((config, "getObject", place), ItemSelector=selector))
    source = f"S3://{BUCKET}/rows/a b.csv"
    assert items == [
        {"index": 0, "value": {"id": "1", "name": 'one;\n"1"'}, "source": source},
        {"index": 1, "value": {"id": "2", "name": ""}, "source": source},
    ]


def test_a_large_json_file(run, put):
    """Larger than what is fetched at once; the items stand inside, and only some are wanted."""
    items = [{"n": number, "text": "x" * 1000} for number in range(20_000)]
    place = put("large.json", json.dumps({"skip": "y" * 1000, "data": {"items": items}}))
    config = {"InputType": "JSON", "ItemsPointer": "/data/items"}
    selector = {"n.$": "$$.Map.Item.Value.n"}
    batcher = {"MaxItemsPerBatch": 6_000}
    state = map_state((config, "getObject", place), ItemSelector=selector, ItemBatcher=batcher)
    batches = run(state)
    assert [len(batch["Items"]) for batch in batches] == [6_000, 6_000, 6_000, 2_000]
    assert [item["n"] for batch in batches for item in batch["Items"]] == list(range(20_000))
    config["MaxItems"] = 3
    assert [item["n"] for item in run(map_state((config, "getObject", place)))] == [0, 1, 2]


def test_members_of_a_json_object(run, put):
    place = put("object.json", '{"a": 1, "b": [2]}')
    state = map_state(({"InputType": "JSON"}, "getObject", place), kind="EXPRESS")
    assert run(state) == [{"Key": "a", "Value": 1}, {"Key": "b", "Value": [2]}]
    state["ItemSelector"] = {"key.$": "$$.Map.Item.Key"}
    assert run(state) == [{"key": "a"}, {"key": "b"}]


def test_compressed_json_lines(run, put):
    place = put("lines.jsonl.gz", gzip.compress(b'{"a": 1}\n\n"two"\n'))
    assert run(map_state(({"InputType": "JSONL"}, "getObject", place))) == [{"a": 1}, "two"]


def test_every_page_of_a_listing(run, s3, put):
    for number in range(1_006):
        put(f"many/{number:04}", str(number))
    place = {"Bucket": BUCKET, "Prefix": "many/"}
    state = map_state(({}, "listObjectsV2", place), ItemSelector={"Key.$": "$$.Map.Item.Value.Key"})
    assert [item["Key"] for item in run(state)] == [f"many/{number:04}" for number in range(1_006)]
    [first] = run(map_state(({"MaxItems": 1}, "listObjectsV2", place)))
    assert list(first) == ["Etag", "LastModified", "Key", "Size", "StorageClass"]
    assert first["Etag"].startswith('"') and first["Size"] == 1 and first["LastModified"] > 1.6e9


def test_what_is_in_listed_objects(run, put):
    put("flat/", "")
    put("flat/1.csv", "a\n1\n2\n")
    put("flat/2.csv.gz", gzip.compress(b"a\n3\n"))
    config = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "Transformation": "LOAD_AND_FLATTEN"}
    state = map_state(
        (config, "listObjectsV2", {"Bucket": BUCKET, "Prefix": "flat/"}),
        ItemSelector={"a.$": "$$.Map.Item.Value.a", "source.$": "$$.Map.Item.Source"},
    )
    first, second = f"S3://{BUCKET}/flat/1.csv", f"S3://{BUCKET}/flat/2.csv.gz"
    assert run(state) == [
        {"a": "1", "source": first},
        {"a": "2", "source": first},
        {"a": "3", "source": second},
    ]


def test_an_inventory(run, put):
    put("inventory/data/1.csv.gz", gzip.compress(b'"bucket","a.txt","7"\n"bucket","b.txt","8"\n'))
    manifest = {
        "sourceBucket": "bucket",
        "destinationBucket": f"arn:aws:s3:::{BUCKET}",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "inventory/data/1.csv.gz", "size": 7300}],
    }
    place = put("inventory/manifest.json", json.dumps(manifest))
    expected = [
        {"Bucket": "bucket", "Key": "a.txt", "Size": "7"},
        {"Bucket": "bucket", "Key": "b.txt", "Size": "8"},
    ]
    for config in [{"InputType": "MANIFEST"}, {"ManifestType": "S3_INVENTORY"}]:
        assert run(map_state((config, "getObject", place))) == expected


def test_a_manifest_of_athena(run, put):
    put("unload/1.gz", gzip.compress(b'{"a":1}\n'))
    put("unload/2", '{"a":2}\n')
    place = put("unload/manifest.csv", f"s3://{BUCKET}/unload/1.gz\ns3://{BUCKET}/unload/2\n")
    config = {"ManifestType": "ATHENA_DATA", "InputType": "JSONL"}
    assert run(map_state((config, "getObject", place))) == [{"a": 1}, {"a": 2}]


def test_what_cannot_be_read_can_be_caught(run, put):
    def caught(config, place):
        state = map_state((config, "getObject", place))
        return run(state)

    error, cause = caught({"InputType": "JSON"}, {"Bucket": BUCKET, "Key": "nowhere"})
    assert error == "States.ItemReaderFailed"
    assert "Service: Amazon S3; Status Code: 404; Error Code: NoSuchKey" in cause
    scalar = put("scalar.json", "7")
    answer = caught({"InputType": "JSON"}, scalar)
    assert answer == ("States.ItemReaderFailed", "Attempting to map over non-iterable node.")
    broken = put("broken.csv.gz", "not gzip at all")
    error, cause = caught({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, broken)
    assert error == "States.ItemReaderFailed" and cause.startswith("The object cannot be decompressed")
    empty = put("empty.csv", "")
    assert caught({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, empty) == []


def exported(s3, result):
    """The manifest of an export, and its files."""
    details = result["ResultWriterDetails"]
    read = lambda key: s3.get_object(Bucket=details["Bucket"], Key=key)["Body"].read().decode()
    manifest = json.loads(read(details["Key"]))
    files = {}
    for entries in manifest["ResultFiles"].values():
        for entry in entries:
            text = read(entry["Key"])
            assert entry["Size"] == len(text)
            files[entry["Key"].rsplit("/", 1)[1]] = text
    return manifest, files


def writer(config=None, prefix="results"):
    fields = {"WriterConfig": config} if config else {}
    parameters = {"Bucket": BUCKET, "Prefix": prefix}
    return {"Resource": "arn:aws:states:::s3:putObject", "Parameters": parameters, **fields}


def test_results_are_exported(run, s3, client):
    result = run(map_state(ResultWriter=writer(), Label="Run"), ["Hello", {"a": 1}])
    arn = result["MapRunArn"]
    uuid = arn.rsplit(":", 1)[1]
    assert result["ResultWriterDetails"] == {"Bucket": BUCKET, "Key": f"results/{uuid}/manifest.json"}
    manifest, files = exported(s3, result)
    assert manifest["DestinationBucket"] == BUCKET and manifest["MapRunArn"] == arn
    assert list(manifest["ResultFiles"]) == ["FAILED", "PENDING", "SUCCEEDED"]
    [name] = files
    assert name == "SUCCEEDED_0.json"
    first, second = json.loads(files[name])
    assert list(first) == [
        "ExecutionArn",
        "Input",
        "InputDetails",
        "Name",
        "Output",
        "OutputDetails",
        "RedriveCount",
        "RedriveStatus",
        "RedriveStatusReason",
        "StartDate",
        "StateMachineArn",
        "Status",
        "StopDate",
    ]
    assert first["Input"] == '"Hello"' and second["Output"] == '{"a":1}'
    described = client.describe_execution(executionArn=first["ExecutionArn"])
    assert described["status"] == first["Status"] == "SUCCEEDED"
    assert client.describe_map_run(mapRunArn=arn)["itemCounts"]["resultsWritten"] == 2


def test_results_are_transformed(run, s3):
    value = [[1, 2], "x", []]

    def check(config, expected):
        result = run(map_state(ResultWriter=writer(config)), value)
        assert exported(s3, result)[1] == {"SUCCEEDED_0.json": expected}

    check({"Transformation": "COMPACT", "OutputType": "JSON"}, '[[1,2],"x",[]]')
    check({"Transformation": "FLATTEN", "OutputType": "JSON"}, '[1,2,"x"]')
    check({"Transformation": "COMPACT", "OutputType": "JSONL"}, '[1,2]\n"x"\n[]')
    check({"Transformation": "FLATTEN", "OutputType": "JSONL"}, '1\n2\n"x"')


def test_failed_children_have_a_file(run, s3):
    states = {
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "F"}],
            "Default": "P",
        },
        "P": {"Type": "Pass", "End": True},
        "F": {"Type": "Fail", "Error": "E", "Cause": "C"},
    }
    config = {"Transformation": "COMPACT", "OutputType": "JSON"}
    state = map_state(states=states, ToleratedFailureCount=1, ResultWriter=writer(config, "a/b/"))
    result = run(state, [1, 2, 3])
    assert result["ResultWriterDetails"]["Key"].startswith("a/b/")
    _, files = exported(s3, result)
    assert files["SUCCEEDED_0.json"] == "[1,3]"
    [failed] = json.loads(files["FAILED_0.json"])
    assert (failed["Status"], failed["Error"], failed["Cause"], failed["Input"]) == ("FAILED", "E", "C", "2")
    assert failed["RedriveStatus"] == "REDRIVABLE_BY_MAP_RUN" and "Output" not in failed


def test_a_run_that_fails_is_exported(run, s3):
    """The state fails at once; the files come a moment later."""
    fail = {"F": {"Type": "Fail", "Error": "E", "Cause": "C"}}
    state = map_state(states=fail, MaxConcurrency=1, Label="Bad", ResultWriter=writer(prefix="bad"))
    error, _ = run(state, [1])
    assert error == "States.ExceedToleratedFailureThreshold"
    until = time.monotonic() + 20
    keys = []
    while not any(key.endswith("manifest.json") for key in keys):
        assert time.monotonic() < until, keys
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="bad/")
        keys = [entry["Key"] for entry in listed.get("Contents", [])]
    [failed] = [key for key in keys if key.endswith("/FAILED_0.json")]
    body = s3.get_object(Bucket=BUCKET, Key=failed)["Body"].read()
    assert [record["Error"] for record in json.loads(body)] == ["E"]


def test_a_large_export_goes_in_parts(run, s3):
    """Larger than a part of an upload."""
    value = list(range(100))
    big = {"P": {"Type": "Pass", "Result": ["y" * 100_000], "End": True}}
    config = {"Transformation": "COMPACT", "OutputType": "JSONL"}
    result = run(map_state(states=big, ResultWriter=writer(config)), value)
    _, files = exported(s3, result)
    lines = files["SUCCEEDED_0.json"].split("\n")
    assert len(lines) == 100 and all(json.loads(line) == ["y" * 100_000] for line in lines)


def test_an_export_that_cannot_be_written(run):
    state = map_state(ResultWriter=writer())
    state["ResultWriter"]["Parameters"]["Bucket"] = "there-is-none"
    error, cause = run(state, [1])
    assert error == "States.ResultWriterFailed" and "Error Code: NoSuchBucket" in cause


def test_items_are_fixed_through_crashes(s3, put, moto, tmp_path, new_name):
    """The object changes while children run, and the server is killed: every item of the object as
    it was is worked on, and no other."""
    server = new_server(tmp_path, moto).start()
    client = server.client()
    place = put("fixed.json", json.dumps([{"n": number} for number in range(60)]))
    states = {
        "W": {"Type": "Wait", "Seconds": 1, "Next": "P"},
        "P": {"Type": "Pass", "End": True},
    }
    reader = ({"InputType": "JSON"}, "getObject", place)
    state = map_state(reader, states, MaxConcurrency=20, ResultWriter=writer(prefix="fixed"))
    definition = json.dumps({"StartAt": "M", "States": {"M": state}})
    machine = client.create_state_machine(name=new_name(), definition=definition, roleArn=ROLE)
    started = client.start_execution(stateMachineArn=machine["stateMachineArn"])
    arn = started["executionArn"]
    while True:
        runs = client.list_map_runs(executionArn=arn)["mapRuns"]
        if runs and client.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]["total"]:
            break
    server.kill()
    put("fixed.json", "[]")
    server.start()
    ended = wait_for_end(server.client(), arn)
    assert ended["status"] == "SUCCEEDED", ended
    _, files = exported(s3, json.loads(ended["output"]))
    records = json.loads(files["SUCCEEDED_0.json"])
    assert [json.loads(record["Output"])["n"] for record in records] == list(range(60))
    assert server.stop() == 0
