# SPDX-License-Identifier: Apache-2.0
"""What a call is refused with."""

import botocore.exceptions
import pytest


def refusal(call, **arguments):
    """Status, exception and message."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def status(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]
