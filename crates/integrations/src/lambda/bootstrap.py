"""Runs a Python handler for Stepwell: fetches events from the Lambda Runtime API, calls the
handler, posts what it returns or raises. Read from standard input, so that it leaves no file."""

import decimal
import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback

SOURCE = sys._getframe().f_code.co_filename
RUNTIME = "/2018-06-01/runtime"
current_request_id = ""


class Fault(Exception):
    """An error of the runtime, not of the handler."""

    def __init__(self, error_type, message, stack_trace=()):
        super().__init__(message)
        self.error_type = error_type
        self.stack_trace = list(stack_trace)


class Identity:
    def __init__(self, fields):
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")


class Client:
    def __init__(self, fields):
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, fields.get(name))


class ClientContext:
    def __init__(self, fields):
        self.client = Client(fields["client"]) if fields.get("client") else None
        self.custom = fields.get("custom")
        self.env = fields.get("env")


class LambdaContext:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        client_context = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None
        self.identity = Identity({})
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


class RequestIdFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = current_request_id
        return True


def set_up_output():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(RequestIdFilter())
    logging.getLogger().addHandler(handler)


def encode_other(value):
    if isinstance(value, decimal.Decimal):
        return float("nan") if value.is_nan() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def to_json(value):
    return json.dumps(value, ensure_ascii=False, default=encode_other).encode("utf-8", "surrogatepass")


def error_of(error, request_id):
    if isinstance(error, Fault):
        error_type, stack_trace = error.error_type, error.stack_trace
    else:
        frames = traceback.extract_tb(error.__traceback__)
        first = 0
        while first < len(frames) and frames[first].filename == SOURCE:
            first += 1
        plain = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames[first:]]
        error_type, stack_trace = type(error).__name__, traceback.format_list(plain)
    message = {
        "errorMessage": str(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": stack_trace,
    }
    colon = ": " if str(error) else ""
    lines = [f"[ERROR] {error_type}{colon}{error}\n", "Traceback (most recent call last):\n", *stack_trace]
    print("".join(lines).rstrip("\n"))
    return message


def load_handler(name):
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}")
    try:
        if module_name.split(".")[0] in sys.builtin_module_names:
            raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
    except SyntaxError as error:
        place = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [place])
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")


class RuntimeApi:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address)

    def call(self, method, path, body=None, headers=None):
        self.connection.request(method, RUNTIME + path, body, headers or {})
        response = self.connection.getresponse()
        return response.headers, response.read()

    def post_error(self, path, message):
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": message["errorType"]}
        try:
            headers["Lambda-Runtime-Function-Error-Type"].encode("latin-1")
        except UnicodeEncodeError:
            del headers["Lambda-Runtime-Function-Error-Type"]
        self.call("POST", path, to_json(message), headers)


def work(api, handler, headers, body):
    global current_request_id
    current_request_id = request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
    path = f"/invocation/{request_id}"
    try:
        try:
            event = json.loads(body)
        except Exception as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}")
        result = handler(event, LambdaContext(headers))
        try:
            answer = to_json(result)
        except Exception as error:
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}")
    except Exception as error:
        api.post_error(path + "/error", error_of(error, request_id))
    else:
        api.call("POST", path + "/response", answer, {"Content-Type": "application/json"})


def main():
    set_up_output()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    os.environ.setdefault("AWS_EXECUTION_ENV", f"AWS_Lambda_python{version}")
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:
        api.post_error("/init/error", error_of(error, ""))
        sys.exit(1)
    while True:
        try:
            headers, body = api.call("GET", "/invocation/next")
        except (OSError, http.client.HTTPException):
            # The server is gone.
            os._exit(1)
        work(api, handler, headers, body)


main()
