# SPDX-License-Identifier: Apache-2.0
"""The errors that the service model lists for each operation, against those that the tests saw.

Every one of them is seen, or has its reason here why it can't occur.
"""

import botocore.session

from harness import SNAPSTART

MODEL = botocore.session.get_session().get_service_model("lambda")

# Operations for what one's own machine has not, and for what this version has not: they answer that, and nothing else.
UNAVAILABLE = {
    *(f"{verb}CapacityProvider" for verb in ["Create", "Get", "Update", "Delete"]), "ListCapacityProviders",
    "ListFunctionVersionsByCapacityProvider", "GetFunctionScalingConfig", "PutFunctionScalingConfig",
    "CheckpointDurableExecution", "GetDurableExecution", "GetDurableExecutionHistory", "GetDurableExecutionState",
    "ListDurableExecutionsByFunction", "SendDurableExecutionCallbackFailure", "SendDurableExecutionCallbackHeartbeat",
    "SendDurableExecutionCallbackSuccess", "StopDurableExecution",
}

# What AWS sends under another name than its model has.
SENT_AS = {"RequestTooLargeException": "RequestEntityTooLargeException"}

INVOCATIONS = {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}
DEPLOYMENTS = {"CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"}

# Why, which errors (without the "Exception" that all names end in), and of which operations that have them.
EXCUSES = [
    ("Functions run on the server's own machine: there are no capacity providers.",
     {"FunctionVersionsPerCapacityProviderLimitExceeded"}, {"CreateFunction", "PublishVersion"}),
    ("No signature of AWS Signer can be verified: nothing counts as signed, and is refused as such.",
     {"InvalidCodeSignature"}, DEPLOYMENTS),
    ("A configuration that a function is under can't be deleted, so it is always found.",
     {"CodeSigningConfigNotFound"}, {"UpdateFunctionCode", "UpdateFunctionConfiguration"}),
    ("Taking a function from under no configuration is no error, and the configuration itself is not looked at.",
     {"CodeSigningConfigNotFound"}, {"DeleteFunctionCodeSigningConfig"}),
    ("The change is one transaction that is whole when it is answered: there is nothing under way to collide with.",
     {"ResourceConflict"}, {
         "DeleteAlias", "DeleteEventSourceMapping", "DeleteFunctionCodeSigningConfig", "DeleteFunctionConcurrency",
         "DeleteFunctionEventInvokeConfig", "DeleteFunctionUrlConfig", "DeleteProvisionedConcurrencyConfig",
         "PutFunctionCodeSigningConfig", "PutFunctionConcurrency", "PutFunctionEventInvokeConfig",
         "PutFunctionRecursionConfig", "PutRuntimeManagementConfig", "TagResource", "UntagResource",
         "UpdateFunctionEventInvokeConfig", "UpdateFunctionUrlConfig"}),
    ("A mapping may be changed and deleted in every state: pollers follow what is stored.",
     {"ResourceInUse"}, {"DeleteEventSourceMapping", "UpdateEventSourceMapping"}),
    ("All that the request has is an identifier, which the front door checks (ValidationException).",
     {"InvalidParameterValue"}, {
         "DeleteCodeSigningConfig", "DeleteEventSourceMapping", "GetCodeSigningConfig", "GetEventSourceMapping",
         "GetFunctionRecursionConfig"}),
    ("What the request changes is checked by the front door alone (ValidationException).",
     {"InvalidParameterValue"}, {"PutFunctionRecursionConfig", "UpdateCodeSigningConfig"}),
    ("Functions reach the machine's network: there are no subnets, interfaces or security groups.",
     {"EC2AccessDenied", "EC2Throttled", "EC2Unexpected", "ENILimitReached", "InvalidSecurityGroupID", "InvalidSubnetID",
      "SubnetIPAddressLimitReached"}, INVOCATIONS),
    ("Nothing is mounted: FileSystemConfigs is kept and shown.",
     {"EFSIO", "EFSMountConnectivity", "EFSMountFailure", "EFSMountTimeout", "S3FilesMountConnectivity",
      "S3FilesMountFailure", "S3FilesMountTimeout"}, INVOCATIONS),
    ("Environment variables are encrypted with the server's own key.",
     {"KMSAccessDenied", "KMSDisabled", "KMSInvalidState", "KMSNotFound"}, INVOCATIONS),
    *([] if SNAPSTART else [
        ("No version has a snapshot on this host.", {"SnapStart", "SnapStartNotReady", "SnapStartTimeout"}, INVOCATIONS)]),
    ("A package is unpacked before its function is Active: one that can't be is never run.",
     {"InvalidZipFile"}, INVOCATIONS),
    ("A runtime is checked when a function is made; one that has gone from the machine since is the server's fault.",
     {"InvalidRuntime"}, INVOCATIONS),
    ("No function is ever Inactive: its resources are not taken back.", {"ResourceNotReady"}, INVOCATIONS),
    ("A payload may come under any content type, as long as it is JSON.", {"UnsupportedMediaType"}, INVOCATIONS),
    ("The request has no other limit than that of its payload (RequestTooLarge).",
     {"SerializedRequestEntityTooLarge"}, INVOCATIONS),
    ("Nothing is published to $LATEST.PUBLISHED, which is of capacity providers.", {"NoPublishedVersion"}, INVOCATIONS),
    ("Durable executions are not in this version.", {"DurableExecutionAlreadyStarted"}, {"Invoke"}),
]


def available():
    return sorted(set(MODEL.operation_names) - UNAVAILABLE)


def modelled(operation):
    """The names of an operation's errors, as they are sent."""
    names = (shape.name for shape in MODEL.operation_model(operation).error_shapes)
    return {SENT_AS.get(name, name) for name in names}


def excused(operation):
    """Errors of an operation's that can't occur, with the reason."""
    return {
        error + "Exception": reason for reason, errors, operations in EXCUSES if operation in operations
        for error in errors if error + "Exception" in modelled(operation)}


def stale():
    """Excuses for what the model does not have."""
    return [
        f"{error} is excused and of none of its operations: {reason}" for reason, errors, operations in EXCUSES
        for error in sorted(errors)
        if not any(error + "Exception" in modelled(operation) for operation in operations)]


def problems(answers):
    """What of the model no test saw and nothing excuses, and the excuses that a test belied.

    `answers` has counts by error's name for each operation, as `harness.ANSWERS`.
    """
    found = stale()
    for operation in available():
        seen, reasons = set(answers.get(operation, {})), excused(operation)
        missing = sorted(modelled(operation) - seen - set(reasons))
        found += [f"{operation}: {error} was not seen, and no reason is given why it can't occur" for error in missing]
        found += [
            f"{operation}: {error} was seen, for all the reason why it can't occur: {reasons[error]}"
            for error in sorted(seen & set(reasons))]
    return found
