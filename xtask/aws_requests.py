"""Makes up calls of AWS's services, and notes how botocore writes and reads them.

Writes `testdata/aws_requests/`, a file per service and a line per case, run by `cargo xtask
requests`; with `--check` it writes nothing, and fails where something differs. A case has an
operation, parameters, the request that botocore's serialiser makes of them, an answer, and what
botocore's parser reads in it. Everything follows from the models: nothing is random.
"""

import base64
import datetime
import json
import pathlib
import sys
import urllib.parse
from xml.sax.saxutils import escape

import botocore
import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize

ROOT = pathlib.Path(__file__).parent.parent
FOLDER = ROOT / "testdata/aws_requests"
PROTOCOLS = ["json", "rest-json", "query", "ec2", "rest-xml"]

# Services of every protocol; those that state machines call most, and odd ones.
SERVICES = """
accessanalyzer acm apigateway appconfig application-autoscaling athena autoscaling backup batch
bedrock bedrock-runtime cloudformation cloudfront cloudtrail cloudwatch codebuild codepipeline
cognito-idp comprehend config connect databrew datasync docdb dynamodb ec2 ecr ecs efs eks
elasticache elasticbeanstalk elb elbv2 emr emr-containers emr-serverless es events firehose fis
glacier glue guardduty iam iot kinesis kms lambda lex-runtime logs mediaconvert mq neptune
opensearch organizations pinpoint pipes polly quicksight rds rds-data redshift redshift-data
rekognition resource-groups route53 s3 s3control sagemaker sagemaker-runtime scheduler
secretsmanager securityhub service-quotas servicecatalog servicediscovery ses sesv2 sns sqs ssm
stepfunctions sts swf textract transcribe translate wafv2 workspaces xray
""".split()

# Operations that are always taken; the others are picked evenly from the list of all.
ALWAYS = {
    "dynamodb": ["PutItem", "Query", "UpdateItem", "BatchWriteItem"],
    "ec2": ["RunInstances", "DescribeInstances", "CreateTags", "AuthorizeSecurityGroupIngress"],
    "ecs": ["RunTask"],
    "events": ["PutEvents"],
    "glue": ["StartJobRun"],
    "iam": ["CreateRole", "ListRoles"],
    "lambda": ["Invoke", "CreateFunction", "ListFunctions"],
    "route53": ["ChangeResourceRecordSets", "ListHostedZones"],
    "s3": [
        "CopyObject",
        "DeleteObjects",
        "GetObject",
        "ListObjectsV2",
        "PutBucketAcl",
        "PutBucketLifecycleConfiguration",
        "PutBucketNotificationConfiguration",
        "PutObject",
        "PutObjectTagging",
    ],
    "sns": ["Publish", "CreateTopic", "Subscribe"],
    "sqs": ["SendMessage", "ReceiveMessage", "CreateQueue"],
    "stepfunctions": ["StartExecution", "DescribeExecution", "StartSyncExecution"],
    "sts": ["AssumeRole", "GetCallerIdentity"],
    "autoscaling": ["CreateAutoScalingGroup", "DescribeAutoScalingGroups"],
    "rds": ["DescribeDBInstances", "CreateDBInstance"],
    "s3control": ["CreateJob"],
}
PICKED = 3
MOMENT = "2024-03-26T07:42:02Z"


class Values:
    """Values for shapes, deep or only what is required."""

    def __init__(self, is_full):
        self.is_full = is_full

    def of(self, shape, name, path=()):
        if getattr(shape, "is_document_type", False):
            return {"any": [1, "x", {"y": None}]} if not shape.serialization.get("payload") else {}
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, path)
        if kind == "list":
            element = self.of(shape.member, name, path)
            two = self.is_full and not path and shape.member.type_name == "string"
            second = [element + "2"] if two and not shape.member.enum else []
            return [element, *second]
        if kind == "map":
            return {self.text(shape.key, "key"): self.of(shape.value, name, path)}
        if kind in ("string", "character"):
            return self.text(shape, name)
        if kind in ("integer", "long"):
            return max(int(shape.metadata.get("min", 0)), min(7, int(shape.metadata.get("max", 7))))
        if kind in ("float", "double"):
            return 1.5
        if kind == "boolean":
            return self.is_full
        if kind == "timestamp":
            return MOMENT
        if kind == "blob":
            return "some bytes: äöü"
        raise ValueError(kind)

    def structure(self, shape, path):
        if getattr(shape, "is_tagged_union", False):
            # Exactly one member, and none that leads back here.
            kinds = ("structure", "list", "map")
            flat = [name for name, one in shape.members.items() if one.type_name not in kinds]
            name = (flat or list(shape.members))[0]
            return {name: self.of(shape.members[name], name, (*path, shape.name))}
        if shape.name in path:
            return {}
        members = {}
        for name, member in shape.members.items():
            is_wanted = name in shape.required_members or member.serialization.get("idempotencyToken")
            is_wanted = is_wanted or member.metadata.get("idempotencyToken")
            if not is_wanted and not (self.is_full and len(path) < 4):
                continue
            if member.serialization.get("eventstream") or name in path:
                continue
            members[name] = self.of(member, name, (*path, shape.name))
        return members

    def text(self, shape, name):
        where = shape.serialization.get("location")
        if shape.enum:
            return shape.enum[0]
        if shape.serialization.get("hostLabel"):
            return "host-label"
        if where == "uri":
            return f"a b/{name}+ü"
        if where in ("header", "headers"):
            is_json = shape.serialization.get("jsonvalue")
            return {"json": ["in", "a header"]} if is_json else f"of header {name}"
        return f"{name} & <ä>=%+" if self.is_full else name


def pairs(query):
    """Names and values, as they stand in an address."""
    found = []
    for name, value in query.items() if isinstance(query, dict) else query:
        for one in value if isinstance(value, list) else [value]:
            found.append([name, one if isinstance(one, str) else json.dumps(one)])
    return found


def request(operation, parameters, protocol):
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    made = serializer.serialize_to_request(parameters, operation)
    path, _, fixed = made["url_path"].partition("?")
    query = urllib.parse.parse_qsl(fixed, keep_blank_values=True)
    body = made["body"]
    if isinstance(body, dict):
        form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
        body = {"form": form}
    elif not body:
        body = None
    else:
        text = body.decode() if isinstance(body, bytes) else body
        body = {"text": text}
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    return {
        "method": made["method"],
        "path": path,
        "query": sorted(pairs(query) + pairs(made["query_string"] or {})),
        "headers": headers,
        "body": body,
        **({"host_prefix": made["host_prefix"]} if "host_prefix" in made else {}),
    }


class Answer:
    """An answer on the wire, written here from the model alone."""

    def __init__(self, protocol):
        self.protocol = protocol

    def json(self, shape, value):
        if getattr(shape, "is_document_type", False):
            return value
        kind = shape.type_name
        if kind == "structure":
            members = shape.members
            return {
                members[name].serialization.get("name", name): self.json(members[name], one)
                for name, one in value.items()
                if "location" not in members[name].serialization
            }
        if kind == "list":
            return [self.json(shape.member, one) for one in value]
        if kind == "map":
            return {name: self.json(shape.value, one) for name, one in value.items()}
        if kind == "timestamp":
            return moment(shape, "unixtimestamp")
        if kind == "blob":
            return base64.b64encode(value.encode()).decode()
        return value

    def xml(self, shape, value, name):
        kind = shape.type_name
        is_flat = shape.serialization.get("flattened")
        if kind == "structure":
            inside, attributes = "", ""
            for key, one in value.items():
                member = shape.members[key]
                if "location" in member.serialization:
                    continue
                called = member.serialization.get("name", key)
                if member.serialization.get("xmlAttribute"):
                    attributes += f' xmlns:{called.split(":")[0]}="urn:x" {called}="{escape(one)}"'
                else:
                    inside += self.xml(member, one, called)
            return f"<{name}{attributes}>{inside}</{name}>"
        if kind == "list":
            called = shape.member.serialization.get("name", name if is_flat else "member")
            inside = "".join(self.xml(shape.member, one, called) for one in value)
            return inside if is_flat else f"<{name}>{inside}</{name}>"
        if kind == "map":
            key = shape.key.serialization.get("name", "key")
            of = shape.value.serialization.get("name", "value")
            entries = [
                f"<{key}>{escape(text)}</{key}>" + self.xml(shape.value, one, of)
                for text, one in value.items()
            ]
            entry = name if is_flat else "entry"
            inside = "".join(f"<{entry}>{one}</{entry}>" for one in entries)
            return inside if is_flat else f"<{name}>{inside}</{name}>"
        if kind == "timestamp":
            text = str(moment(shape, "iso8601"))
        elif kind == "blob":
            text = base64.b64encode(value.encode()).decode()
        elif kind == "boolean":
            text = "true" if value else "false"
        else:
            text = str(value)
        return f"<{name}>{escape(text)}</{name}>"

    def of(self, operation, value):
        shape = operation.output_shape
        headers = {"x-amzn-requestid": "request-1"}
        if shape is None:
            is_query = self.protocol in ("query", "ec2")
            return headers, f"<{operation.name}Response/>" if is_query else ""
        if self.protocol == "json":
            return headers, json.dumps(self.json(shape, value), ensure_ascii=False)
        if self.protocol in ("query", "ec2"):
            inside = self.xml(shape, value, "x")[3:-4]
            wrapper = shape.serialization.get("resultWrapper")
            if wrapper:
                inside = f"<{wrapper}>{inside}</{wrapper}>"
            return headers, f"<{operation.name}Response xmlns=\"urn:a\">{inside}</{operation.name}Response>"
        for name, one in value.items():
            member = shape.members[name]
            where = member.serialization.get("location")
            called = member.serialization.get("name", name)
            if where == "header":
                headers[called] = self.header(member, one)
            elif where == "headers":
                headers.update({called + key: text for key, text in one.items()})
        payload = shape.serialization.get("payload")
        if payload:
            member = shape.members[payload]
            one = value.get(payload)
            if member.type_name in ("blob", "string"):
                return headers, one or ""
            if one is None:
                return headers, ""
            if self.protocol == "rest-json":
                return headers, json.dumps(self.json(member, one), ensure_ascii=False)
            return headers, self.xml(member, one, member.serialization.get("name", payload))
        if self.protocol == "rest-json":
            return headers, json.dumps(self.json(shape, value), ensure_ascii=False)
        return headers, self.xml(shape, value, operation.name + "Result")

    def header(self, shape, value):
        if shape.type_name == "timestamp":
            return str(moment(shape, "rfc822"))
        if shape.type_name == "list":
            return ",".join(self.header(shape.member, one) for one in value)
        if shape.serialization.get("jsonvalue"):
            return base64.b64encode(json.dumps(value).encode()).decode()
        if shape.type_name == "boolean":
            return "true" if value else "false"
        return str(value)


def moment(shape, usual):
    form = shape.serialization.get("timestampFormat", usual).lower()
    parsed = datetime.datetime.fromisoformat(MOMENT.replace("Z", "+00:00"))
    if form == "unixtimestamp":
        return int(parsed.timestamp())
    return MOMENT if form == "iso8601" else parsed.strftime("%a, %d %b %Y %H:%M:%S GMT")


def plain(value):
    """What botocore read, as JSON."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return value.decode()
    return value


def answer(operation, protocol, values):
    shape = operation.output_shape
    value = values.of(shape, "Output") if shape is not None else {}
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload:
        # Of an empty body botocore makes an empty structure, other clients make nothing.
        value.setdefault(payload, values.of(shape.members[payload], payload))
    headers, body = Answer(protocol).of(operation, value)
    parser = botocore.parsers.create_parser(protocol)
    response = {
        "status_code": 200,
        "headers": CaseInsensitive(headers),
        "body": body.encode(),
        "context": {"operation_name": operation.name},
    }
    parsed = parser.parse(response, shape)
    parsed.pop("ResponseMetadata", None)
    return {"headers": headers, "body": body, "output": plain(parsed)}


class CaseInsensitive(dict):
    """Headers, as botocore's parsers want them."""

    def __contains__(self, name):
        return any(name.lower() == one.lower() for one in self)

    def __getitem__(self, name):
        return next(self.get(one) for one in self if name.lower() == one.lower())


def operations(service, model):
    names = list(model.operation_names)
    always = ALWAYS.get(service, [])
    step = max(1, len(names) // PICKED)
    picked = names[step // 2 :: step][:PICKED]
    for name in sorted({*always, *picked}):
        operation = model.operation_model(name)
        if operation.has_event_stream_input or operation.has_event_stream_output:
            continue
        yield operation


def cases(service, model, protocol):
    for operation in operations(service, model):
        for is_full in (False, True):
            values = Values(is_full)
            shape = operation.input_shape
            parameters = values.of(shape, "Input") if shape is not None else {}
            if is_full and shape is not None and not shape.members:
                continue
            yield {
                "operation": operation.name,
                "parameters": parameters,
                "request": request(operation, parameters, protocol),
                "answer": answer(operation, protocol, values),
            }


def text(service, loader):
    raw = loader.load_service_model(service, "service-2")
    model = botocore.model.ServiceModel(raw, service)
    metadata = raw["metadata"]
    protocol = min(metadata.get("protocols") or [metadata["protocol"]], key=lambda one: (PROTOCOLS + [one]).index(one))
    lines = [json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases(service, model, protocol)]
    head = json.dumps({"service": service, "protocol": protocol, "source": f"botocore {botocore.__version__}"})
    return "\n".join([head, *lines]) + "\n"


def main():
    is_check = "--check" in sys.argv
    loader = botocore.loaders.create_loader()
    FOLDER.mkdir(exist_ok=True)
    files = {f"{service}.jsonl": text(service, loader) for service in SERVICES}
    files["LICENSE.txt"] = (
        "The parameters and requests in this folder were made with botocore "
        f"{botocore.__version__} (Copyright Amazon.com, Inc. or its\naffiliates) from its service models, licensed "
        "under the Apache License, Version 2.0:\nhttps://www.apache.org/licenses/LICENSE-2.0. "
        "`cargo xtask requests` makes them.\n"
    )
    there = {path.name for path in FOLDER.iterdir()}
    stale = there - set(files)
    for name, wanted in files.items():
        path = FOLDER / name
        if not path.exists() or path.read_text() != wanted:
            stale.add(name)
            if not is_check:
                path.write_text(wanted)
    if is_check and stale:
        sys.exit(f"not as `cargo xtask requests` makes them: {', '.join(sorted(stale))}")
    for name in there - set(files) if not is_check else ():
        (FOLDER / name).unlink()
    print(f"{len(SERVICES)} services, {len(stale)} files {'differ' if is_check else 'written'}")


if __name__ == "__main__":
    main()
