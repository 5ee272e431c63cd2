"""Trims AWS's service models, as the package botocore has them, to what this project needs.

Writes two things, run by `cargo xtask models` (with `--check` it
writes nothing, and fails where something differs):

* `testdata/service_model/`: the API of Step Functions without its documentation. Tests hold the
  tables of the API against it and make requests from it.
* `crates/service-models/data/services.bin`: what is needed to call every service, compressed
  service by service. The format is described in `crates/service-models/src/stored.rs`.

botocore's data is licensed under the Apache License 2.0; the files beside what is written say so.
"""

import collections
import json
import pathlib
import re
import struct
import sys
import zlib

import botocore
import botocore.loaders
from botocore.endpoint_provider import EndpointProvider

ROOT = pathlib.Path(__file__).parent.parent
DATA = ROOT / "crates/service-models/data"
MAGIC = b"stepwell service models 1\n"

# Protocols that the client speaks, the preferred first.
PROTOCOLS = ["json", "rest-json", "query", "ec2", "rest-xml", "smithy-rpc-v2-cbor"]

# Traits of a reference to a shape -> key of the stored member.
TRAITS = {
    "location": "l",
    "locationName": "L",
    "queryName": "q",
    "flattened": "f",
    "xmlAttribute": "a",
    "streaming": "S",
    "jsonvalue": "j",
    "idempotencyToken": "i",
    "timestampFormat": "T",
    "hostLabel": "h",
}

# Traits of a shape -> key of the stored shape.
SHAPE_TRAITS = {
    "required": "r",
    "enum": "e",
    "min": "<",
    "max": ">",
    "flattened": "f",
    "payload": "p",
    "locationName": "L",
    "streaming": "S",
    "timestampFormat": "T",
    "document": "d",
    "union": "u",
    "eventstream": "E",
    "exception": "x",
    "wrapper": "w",
    "xmlOrder": "o",
}


IS_CHECK = "--check" in sys.argv
STALE = []


def write(path, data):
    """Writes a file, or only notes that it is not what it should be."""
    if not IS_CHECK:
        path.write_bytes(data)
    elif not path.exists() or path.read_bytes() != data:
        STALE.append(str(path.relative_to(ROOT)))


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


def words(name):
    """The words of a name, as AWS's Java SDK splits it."""
    name = re.sub("[^A-Za-z0-9]+", " ", name)
    name = re.sub("([^a-z]{2,})v([0-9]+)", r"\1 v\2 ", name)
    name = re.sub("([^A-Z]{2,})V([0-9]+)", r"\1 V\2 ", name)
    name = re.sub("(?<=[a-z])(?=[A-Z][a-zA-Z0-9])", " ", name)
    name = re.sub("([A-Z]+)([A-Z][a-z])", r"\1 \2", name)
    name = re.sub("([0-9])([a-zA-Z])", r"\1 \2", name)
    return name.split()


def prefix_of(service_id):
    """The first part of the names of the Java SDK's classes, and of error names."""
    name = "".join(word.capitalize() for word in words(service_id))
    return re.sub("Service$", "", re.sub("^(Amazon|Aws)", "", name))


def offered():
    """Prefix -> operations that cannot be called."""
    services = {}
    for line in (DATA / "offered.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            prefix, _, refused = line.partition(":")
            services[prefix] = {name.strip() for name in refused.split(",") if name.strip()}
    return services


class Shapes:
    def __init__(self, model, prefix):
        self.model = model["shapes"]
        self.names = sorted(self.reachable(model))
        self.index = {name: index for index, name in enumerate(self.names)}
        self.renamed = {}
        for line in (DATA / "members.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                service, shape, member, name = line.split()
                if service == prefix:
                    self.renamed[shape, member] = name

    def reachable(self, model):
        """Shapes that some operation uses; the others are left out."""
        found = set()
        open_ = []
        for operation in model["operations"].values():
            roots = [operation.get("input"), operation.get("output"), *operation.get("errors", [])]
            open_ += [root["shape"] for root in roots if root]
        # Errors that every operation may answer stand alone.
        open_ += [name for name, shape in self.model.items() if shape.get("exception")]
        while open_:
            name = open_.pop()
            if name in found:
                continue
            found.add(name)
            shape = self.model[name]
            parts = list(shape.get("members", {}).values())
            parts += [shape[part] for part in ("member", "key", "value") if part in shape]
            open_ += [part["shape"] for part in parts]
        return found

    def reference(self, reference):
        stored = {"s": self.index[reference["shape"]]}
        for trait, key in TRAITS.items():
            if reference.get(trait) not in (None, False):
                stored[key] = reference[trait]
        if "xmlNamespace" in reference:
            stored["x"] = namespace(reference["xmlNamespace"])
        return stored

    def member(self, shape, name, reference):
        stored = {"n": name, **self.reference(reference)}
        renamed = self.renamed.get((shape, name)) or self.renamed.get(("*", name))
        if renamed:
            stored["J"] = renamed
        return stored

    def shape(self, name):
        shape = self.model[name]
        stored = {"n": name, "t": shape["type"]}
        for trait, key in SHAPE_TRAITS.items():
            if shape.get(trait) not in (None, False, []):
                stored[key] = shape[trait]
        # Lengths only matter within what a number can hold exactly.
        if "xmlNamespace" in shape:
            stored["X"] = namespace(shape["xmlNamespace"])
        members = shape.get("members", {})
        if members:
            stored["m"] = [self.member(name, *member) for member in members.items()]
        if "member" in shape:
            stored["M"] = self.reference(shape["member"])
        if "key" in shape:
            stored["k"] = self.reference(shape["key"])
            stored["v"] = self.reference(shape["value"])
        error = shape.get("error", {})
        if "code" in error:
            stored["c"] = error["code"]
        if "httpStatusCode" in error:
            stored["h"] = error["httpStatusCode"]
        return stored


def namespace(xml):
    """[URI] or [URI, prefix]"""
    if isinstance(xml, str):
        return [xml]
    return [xml["uri"]] + ([xml["prefix"]] if "prefix" in xml else [])


def operation(name, model, shapes, refused):
    http = model.get("http", {})
    stored = {"n": name, "m": http.get("method", "POST"), "u": http.get("requestUri", "/")}
    if "input" in model:
        stored["i"] = shapes.reference(model["input"])
    if "output" in model:
        stored["o"] = shapes.reference(model["output"])
        if "resultWrapper" in model["output"]:
            stored["W"] = model["output"]["resultWrapper"]
    errors = [shapes.index[error["shape"]] for error in model.get("errors", [])]
    if errors:
        stored["e"] = errors
    if "hostPrefix" in model.get("endpoint", {}):
        stored["p"] = model["endpoint"]["hostPrefix"]
    checksum = model.get("httpChecksum", {})
    if model.get("httpChecksumRequired") or checksum.get("requestChecksumRequired"):
        stored["c"] = True
    if "requestAlgorithmMember" in checksum:
        stored["a"] = checksum["requestAlgorithmMember"]
    if model.get("authtype") == "none" or model.get("auth") == ["smithy.api#noAuth"]:
        stored["N"] = True
    if model.get("authtype") == "v4-unsigned-body" or model.get("unsignedPayload"):
        stored["U"] = True
    if model.get("endpointdiscovery", {}).get("required"):
        stored["d"] = True
    if name in refused:
        stored["R"] = True
    return stored


class Endpoints:
    """Where services are, asked of botocore's own rules for every region."""

    def __init__(self, loader):
        self.loader = loader
        self.partitions = loader.load_data("partitions")
        self.regions = [
            (partition["id"], partition["outputs"]["dnsSuffix"], region)
            for partition in self.partitions["partitions"]
            for region in partition["regions"]
            if not region.endswith("-global")
        ]

    def of(self, service, metadata):
        rules = self.loader.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(rules, self.partitions)
        known = rules["parameters"]
        found = {}
        for partition, suffix, region in self.regions:
            parameters = {"Region": region, "UseFIPS": False, "UseDualStack": False}
            parameters = {key: value for key, value in parameters.items() if key in known}
            try:
                endpoint = provider.resolve_endpoint(**parameters)
            except Exception:
                # Rules that want an account or a resource: the plain form holds.
                continue
            schemes = endpoint.properties.get("authSchemes", [])
            scheme = next((one for one in schemes if one["name"] in ("sigv4", "sigv4-s3express")), {})
            name = scheme.get("signingName", "")
            if name == metadata.get("signingName", metadata["endpointPrefix"]):
                name = ""
            signing_region = scheme.get("signingRegion", region)
            url = endpoint.url
            # The suffix first: a region may be a part of it.
            url = re.sub(re.escape(suffix) + "(?=/|$)", "{dnsSuffix}", url, count=1)
            url = url.replace(region, "{region}", 1)
            found[partition, region] = (
                url,
                "" if signing_region == region else signing_region,
                name,
            )
        return self.summary(found, metadata)

    def summary(self, found, metadata):
        """What most regions have, then what differs in whole partitions, then in regions."""
        if not found:
            plain = f"https://{metadata['endpointPrefix']}.{{region}}.{{dnsSuffix}}"
            return [plain, "", ""], {}
        most = collections.Counter(found.values()).most_common(1)[0][0]
        others = {}
        for partition in {partition for partition, _ in found}:
            here = [value for key, value in found.items() if key[0] == partition]
            usual = collections.Counter(here).most_common(1)[0][0]
            if usual != most:
                others[partition] = list(usual)
            for (of, region), value in found.items():
                if of == partition and value != usual:
                    others[region] = list(value)
        return list(most), dict(sorted(others.items()))


def service(name, model, endpoints, refused, prefix):
    metadata = model["metadata"]
    shapes = Shapes(model, prefix)
    protocols = metadata.get("protocols") or [metadata["protocol"]]
    protocol = min(protocols, key=PROTOCOLS.index)
    usual, others = endpoints.of(name, metadata)
    stored = {
        "prefix": prefix,
        "folder": name,
        "service_id": metadata["serviceId"],
        "protocol": protocol,
        "json_version": metadata.get("jsonVersion"),
        "api_version": metadata["apiVersion"],
        "endpoint_prefix": metadata["endpointPrefix"],
        "signing_name": metadata.get("signingName", metadata["endpointPrefix"]),
        "signature": metadata.get("signatureVersion", "v4"),
        "target_prefix": metadata.get("targetPrefix"),
        "xml_namespace": metadata.get("xmlNamespace"),
        "query_compatible": "awsQueryCompatible" in metadata,
        "offered": refused is not None,
        "endpoint": usual,
        "endpoints": others,
        "operations": [
            operation(one, model["operations"][one], shapes, refused or set())
            for one in sorted(model["operations"])
        ],
        "shapes": [shapes.shape(one) for one in shapes.names],
    }
    return {key: value for key, value in stored.items() if value not in (None, False, {})}


def write_services(loader):
    guide = offered()
    endpoints = Endpoints(loader)
    index = []
    blocks = []
    offset = 0
    for name in loader.list_available_services("service-2"):
        model = loader.load_service_model(name, "service-2")
        prefix = prefix_of(model["metadata"]["serviceId"])
        stored = service(name, model, endpoints, guide.get(prefix), prefix)
        text = json.dumps(stored, separators=(",", ":"), ensure_ascii=False).encode()
        block = zlib.compress(text, 9)
        index.append([prefix.lower(), prefix, name, len(block), len(text), prefix in guide])
        blocks.append(block)
        offset += len(block)
    order = sorted(range(len(index)), key=lambda at: index[at][0])
    partitions = [
        {
            "id": partition["id"],
            "region_regex": partition["regionRegex"],
            "dns_suffix": partition["outputs"]["dnsSuffix"],
            "regions": sorted(partition["regions"]),
        }
        for partition in endpoints.partitions["partitions"]
    ]
    head = {
        "source": f"botocore {botocore.__version__}",
        "partitions": partitions,
        "services": [index[at] for at in order],
    }
    head = json.dumps(head, separators=(",", ":")).encode()
    data = MAGIC + struct.pack("<I", len(head)) + head + b"".join(blocks[at] for at in order)
    write(DATA / "services.bin", data)
    missing = sorted(set(guide) - {entry[1] for entry in index})
    print(f"{len(index)} services in {len(data)} bytes; without a model: {', '.join(missing)}")


def main():
    loader = botocore.loaders.create_loader()
    model = loader.load_service_model("stepfunctions", "service-2")
    folder = ROOT / "testdata/service_model"
    folder.mkdir(exist_ok=True)
    text = json.dumps(without_documentation(dict(model)), indent=1)
    write(folder / "stepfunctions-2016-11-23.json", (text + "\n").encode())
    write_services(loader)
    for folder, files in (
        ("testdata/service_model", "The files in this folder are"),
        ("crates/service-models/data", "services.bin is"),
    ):
        source = f"botocore {botocore.__version__} (Copyright Amazon.com, Inc. or its affiliates)"
        text = (
            f"{files} trimmed from the service models of {source},\n"
            "licensed under the Apache License, Version 2.0:\n"
            "https://www.apache.org/licenses/LICENSE-2.0. `cargo xtask models` makes them.\n"
        )
        write(ROOT / folder / "LICENSE.txt", text.encode())
    if STALE:
        sys.exit(f"not as `cargo xtask models` makes them: {', '.join(STALE)}")


if __name__ == "__main__":
    sys.exit(main())
