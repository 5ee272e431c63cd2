"""Trims AWS's service models, as the package botocore has them, to what this project needs.

Writes two things, run by `cargo xtask service-models`:

* `testdata/service_model/`: the API of Step Functions without its documentation. Tests hold the
  tables of the API against it and make requests from it.
* `crates/api/service_outputs/`: what the operations of services answer, a file per service and a
  line per shape. TestState checks mocked results against them.

botocore's data is licensed under the Apache License 2.0; the files beside what is written say so.
"""

import json
import pathlib
import re

import botocore
import botocore.loaders

ROOT = pathlib.Path(__file__).parent.parent

# Services of which every operation is taken.
WHOLE = """
acm athena batch cloudformation cloudwatch codebuild cognito-idp comprehend databrew dynamodb ecr
ecs efs eks emr emr-containers emr-serverless events firehose glue iam kinesis kms lambda logs
organizations pipes polly rds-data redshift-data rekognition route53 s3 scheduler secretsmanager
ses sesv2 sns sqs ssm stepfunctions sts textract transcribe translate xray
""".split()

# Services of which only what optimized integrations call or poll is taken.
PARTS = {
    "bedrock": ["CreateModelCustomizationJob", "GetModelCustomizationJob"],
    "bedrock-runtime": ["InvokeModel"],
    "mediaconvert": ["CreateJob", "GetJob"],
    "sagemaker": [
        "CreateEndpoint",
        "CreateEndpointConfig",
        "CreateHyperParameterTuningJob",
        "CreateLabelingJob",
        "CreateModel",
        "CreateProcessingJob",
        "CreateTrainingJob",
        "CreateTransformJob",
        "DescribeHyperParameterTuningJob",
        "DescribeLabelingJob",
        "DescribeProcessingJob",
        "DescribeTrainingJob",
        "DescribeTransformJob",
        "UpdateEndpoint",
    ],
}

# Kinds of shapes that a mock cannot tell apart.
KINDS = {
    "string": "string",
    "character": "string",
    "timestamp": "string",
    "blob": "string",
    "integer": "number",
    "long": "number",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
}


def without_documentation(value):
    if isinstance(value, dict):
        return {
            key: without_documentation(member)
            for key, member in value.items()
            if not (key == "documentation" and isinstance(member, str))
        }
    if isinstance(value, list):
        return [without_documentation(item) for item in value]
    return value


class Outputs:
    """The outputs of some operations of a service, each shape once."""

    def __init__(self, model):
        self.model = model["shapes"]
        self.shapes = {}

    def reference(self, name):
        """How a shape is referred to: its kind, or `#` and its name where it has more to say."""
        shape = self.model[name]
        kind = KINDS.get(shape["type"])
        bounds = {key: shape[key] for key in ("min", "max") if key in shape}
        if kind is not None and not bounds and "enum" not in shape:
            return kind
        if name not in self.shapes:
            # Noted first: shapes may hold themselves.
            self.shapes[name] = None
            self.shapes[name] = self.described(shape, kind, bounds)
        return "#" + name

    def described(self, shape, kind, bounds):
        if "enum" in shape:
            return {"enum": shape["enum"]}
        if kind is not None:
            return {"kind": kind, **bounds}
        if shape["type"] == "list":
            return {"list": self.reference(shape["member"]["shape"])}
        if shape["type"] == "map":
            return {"map": self.reference(shape["value"]["shape"])}
        members = {
            name: self.reference(member["shape"]) for name, member in shape["members"].items()
        }
        required = shape.get("required", [])
        return {"members": members, **({"required": required} if required else {})}


def outputs(model, operations):
    outputs = Outputs(model)
    found = {}
    for name, operation in model["operations"].items():
        if operations is None or name in operations:
            output = operation.get("output")
            found[name] = outputs.reference(output["shape"]) if output else None
    return found, outputs.shapes


def line(name, value):
    return f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}"


def write_outputs(folder, model, operations):
    # The name that `aws-sdk:` resources use.
    name = re.sub("[^a-z0-9]", "", model["metadata"]["serviceId"].lower())
    found, shapes = outputs(model, operations)
    text = '{"operations": {\n'
    text += ",\n".join(line(*item) for item in sorted(found.items()))
    text += '\n}, "shapes": {\n'
    text += ",\n".join(line(*item) for item in sorted(shapes.items()))
    text += "\n}}\n"
    (folder / f"{name}.json").write_text(text)


def main():
    loader = botocore.loaders.create_loader()
    model = loader.load_service_model("stepfunctions", "service-2")
    folder = ROOT / "testdata/service_model"
    folder.mkdir(exist_ok=True)
    text = json.dumps(without_documentation(dict(model)), indent=1)
    (folder / "stepfunctions-2016-11-23.json").write_text(text + "\n")

    folder = ROOT / "crates/api/service_outputs"
    for old in folder.glob("*.json"):
        old.unlink()
    for service in WHOLE:
        write_outputs(folder, loader.load_service_model(service, "service-2"), None)
    for service, operations in PARTS.items():
        write_outputs(folder, loader.load_service_model(service, "service-2"), operations)
    for folder in ("testdata/service_model", "crates/api/service_outputs"):
        source = f"botocore {botocore.__version__} (Copyright Amazon.com, Inc. or its affiliates)"
        (ROOT / folder / "LICENSE.txt").write_text(
            f"The files in this folder are trimmed from the service models of {source},\n"
            "licensed under the Apache License, Version 2.0:\n"
            "https://www.apache.org/licenses/LICENSE-2.0. `cargo xtask service-models` makes them.\n"
        )


if __name__ == "__main__":
    main()
