# SPDX-License-Identifier: Apache-2.0
"""A good request for every operation that there is, on what is not there; and what it is answered with."""

import modelled_errors
from harness import PYTHON, ROLE, zip_of

PREFIX = "arn:aws:lambda:us-east-1:000000000000"
FUNCTION = f"{PREFIX}:function:absent"
ELSEWHERE = FUNCTION.replace("us-east-1", "eu-west-1")
LAYER = f"{PREFIX}:layer:absent"
LAYER_ELSEWHERE = LAYER.replace("us-east-1", "eu-west-1")
SIGNING = f"{PREFIX}:code-signing-config:csc-00000000000000000"
UUID = "00000000-0000-0000-0000-000000000000"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:absent"
PUBLISHERS = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p"]}
ZIP = zip_of({"app.py": "def handler(event, context): return event"})

NO_FUNCTION = f"Function not found: {FUNCTION}"
NO_RESOURCE = "The resource you requested does not exist."
NO_SIGNING = f"The Lambda code signing configuration {SIGNING} can not be found."
NO_LAYER = f"Layer version {LAYER}:1 does not exist."
NOT_HERE = "{} from 'eu-west-1' are not reachable in this region ('us-east-1')"
EVENTS_OF_NONE = "The function doesn't exist."
URL_OF_NONE = "Function does not exist"

NAME = {"FunctionName": "absent"}
VERSION = {**NAME, "Qualifier": "1"}
ALIAS = {**NAME, "Name": "live"}
LAYER_VERSION = {"LayerName": "absent", "VersionNumber": 1}

# Arguments, and the text of ResourceNotFoundException; None where the operation has no such error, or none for this.
REQUESTS = {
    "AddLayerVersionPermission": (
        {**LAYER_VERSION, "StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}, NO_LAYER),
    "AddPermission": (
        {**NAME, "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}, NO_FUNCTION),
    "CreateAlias": ({**ALIAS, "FunctionVersion": "1"}, NO_FUNCTION + ":1"),
    "CreateCodeSigningConfig": ({"AllowedPublishers": PUBLISHERS}, None),
    "CreateEventSourceMapping": ({"FunctionName": ELSEWHERE, "EventSourceArn": QUEUE}, NOT_HERE.format("Functions")),
    "CreateFunction": (
        {"FunctionName": ELSEWHERE, "Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": ZIP}},
        NOT_HERE.format("Functions")),
    "CreateFunctionUrlConfig": ({**NAME, "AuthType": "NONE"}, URL_OF_NONE),
    "DeleteAlias": (ALIAS, None),
    "DeleteCodeSigningConfig": ({"CodeSigningConfigArn": SIGNING}, NO_SIGNING),
    "DeleteEventSourceMapping": ({"UUID": UUID}, NO_RESOURCE),
    "DeleteFunction": (VERSION, NO_FUNCTION),
    "DeleteFunctionCodeSigningConfig": (NAME, NO_FUNCTION),
    "DeleteFunctionConcurrency": (NAME, NO_FUNCTION),
    "DeleteFunctionEventInvokeConfig": (NAME, f"The function {FUNCTION}:$LATEST doesn't have an EventInvokeConfig"),
    "DeleteFunctionUrlConfig": (NAME, NO_RESOURCE),
    "DeleteLayerVersion": (LAYER_VERSION, None),
    "DeleteProvisionedConcurrencyConfig": (VERSION, NO_FUNCTION + ":1"),
    "GetAccountSettings": ({}, None),
    "GetAlias": (ALIAS, f"Cannot find alias arn: {FUNCTION}:live"),
    "GetCodeSigningConfig": ({"CodeSigningConfigArn": SIGNING}, NO_SIGNING),
    "GetEventSourceMapping": ({"UUID": UUID}, NO_RESOURCE),
    "GetFunction": (VERSION, NO_FUNCTION),
    "GetFunctionCodeSigningConfig": (NAME, NO_FUNCTION),
    "GetFunctionConcurrency": (NAME, NO_FUNCTION),
    "GetFunctionConfiguration": (VERSION, NO_FUNCTION),
    "GetFunctionEventInvokeConfig": (NAME, f"The function {FUNCTION}:$LATEST doesn't have an EventInvokeConfig"),
    "GetFunctionRecursionConfig": (NAME, NO_FUNCTION),
    "GetFunctionUrlConfig": (NAME, NO_RESOURCE),
    "GetLayerVersion": (LAYER_VERSION, NO_RESOURCE),
    "GetLayerVersionByArn": ({"Arn": LAYER + ":1"}, NO_RESOURCE),
    "GetLayerVersionPolicy": (LAYER_VERSION, NO_LAYER),
    "GetPolicy": (VERSION, NO_RESOURCE),
    "GetProvisionedConcurrencyConfig": (VERSION, NO_FUNCTION + ":1"),
    "GetRuntimeManagementConfig": (NAME, NO_FUNCTION),
    "Invoke": (NAME, NO_FUNCTION + ":$LATEST"),
    "InvokeAsync": ({**NAME, "InvokeArgs": b"{}"}, NO_FUNCTION + ":$LATEST"),
    "InvokeWithResponseStream": (NAME, NO_FUNCTION + ":$LATEST"),
    "ListAliases": (NAME, NO_FUNCTION),
    "ListCodeSigningConfigs": ({}, None),
    "ListEventSourceMappings": ({"FunctionName": ELSEWHERE}, NOT_HERE.format("Functions")),
    "ListFunctionEventInvokeConfigs": (NAME, EVENTS_OF_NONE),
    "ListFunctionUrlConfigs": (NAME, URL_OF_NONE),
    "ListFunctions": ({}, None),
    "ListFunctionsByCodeSigningConfig": ({"CodeSigningConfigArn": SIGNING}, NO_SIGNING),
    "ListLayerVersions": ({"LayerName": LAYER_ELSEWHERE}, NOT_HERE.format("Layers")),
    "ListLayers": ({}, None),
    "ListProvisionedConcurrencyConfigs": (NAME, NO_FUNCTION),
    "ListTags": ({"Resource": FUNCTION}, NO_FUNCTION),
    "ListVersionsByFunction": (NAME, NO_FUNCTION),
    "PublishLayerVersion": ({"LayerName": LAYER_ELSEWHERE, "Content": {"ZipFile": ZIP}}, NOT_HERE.format("Layers")),
    "PublishVersion": (NAME, NO_FUNCTION),
    # The configuration is looked for first: what a function's absence is answered with is in test_code_signing.py.
    "PutFunctionCodeSigningConfig": ({**NAME, "CodeSigningConfigArn": SIGNING}, None),
    "PutFunctionConcurrency": ({**NAME, "ReservedConcurrentExecutions": 1}, NO_FUNCTION + ":$LATEST"),
    "PutFunctionEventInvokeConfig": ({**NAME, "MaximumRetryAttempts": 1}, EVENTS_OF_NONE),
    "PutFunctionRecursionConfig": ({**NAME, "RecursiveLoop": "Allow"}, NO_FUNCTION),
    "PutProvisionedConcurrencyConfig": ({**VERSION, "ProvisionedConcurrentExecutions": 1}, NO_FUNCTION + ":1"),
    "PutRuntimeManagementConfig": ({**NAME, "UpdateRuntimeOn": "Auto"}, NO_FUNCTION),
    "RemoveLayerVersionPermission": ({**LAYER_VERSION, "StatementId": "s"}, NO_LAYER),
    "RemovePermission": ({**NAME, "StatementId": "s"}, f"No policy found for: {FUNCTION}"),
    "TagResource": ({"Resource": FUNCTION, "Tags": {"a": "b"}}, NO_FUNCTION),
    "UntagResource": ({"Resource": FUNCTION, "TagKeys": ["a"]}, NO_FUNCTION),
    "UpdateAlias": (ALIAS, f"Alias not found: {FUNCTION}:live"),
    "UpdateCodeSigningConfig": ({"CodeSigningConfigArn": SIGNING}, NO_SIGNING),
    "UpdateEventSourceMapping": ({"UUID": UUID, "BatchSize": 1}, NO_RESOURCE),
    "UpdateFunctionCode": ({**NAME, "ZipFile": ZIP}, NO_FUNCTION),
    "UpdateFunctionConfiguration": ({**NAME, "Timeout": 5}, NO_FUNCTION),
    "UpdateFunctionEventInvokeConfig": ({**NAME, "MaximumRetryAttempts": 1}, EVENTS_OF_NONE),
    "UpdateFunctionUrlConfig": ({**NAME, "AuthType": "NONE"}, URL_OF_NONE),
}
assert sorted(REQUESTS) == modelled_errors.available()
