"""A request as a REST API of API Gateway hands it to a function.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_HOST = "abcdefghij.execute-api.eu-west-1.amazonaws.com"
_USER_AGENT = "python-requests/2.34.2"
_ADDRESS = "203.0.113.7"
_NOBODY = (
    "accessKey accountId caller cognitoAuthenticationProvider cognitoAuthenticationType cognitoIdentityId cognitoIdentityPoolId "
    "principalOrgId user userArn"
).split()


def get(route: str, path: str, more_headers: Mapping[str, str]) -> dict[str, Any]:
    """`GET path`, where the API's resource is `route`."""
    headers = {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Host": _HOST,
        "User-Agent": _USER_AGENT,
        "X-Amzn-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        "X-Forwarded-For": _ADDRESS,
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        **more_headers,
    }
    request_id = str(uuid.uuid4())
    return {
        "resource": route,
        "path": path,
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.removeprefix(route.partition("{")[0])},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "abc123",
            "resourcePath": route,
            "operationName": None,
            "httpMethod": "GET",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "requestTime": datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "path": f"/live{path}",
            "accountId": "000000000000",
            "protocol": "HTTP/1.1",
            "stage": "live",
            "domainPrefix": _HOST.partition(".")[0],
            "requestTimeEpoch": int(time.time() * 1000),
            "requestId": request_id,
            "identity": {**dict.fromkeys(_NOBODY), "sourceIp": _ADDRESS, "userAgent": _USER_AGENT},
            "domainName": _HOST,
            "apiId": _HOST.partition(".")[0],
        },
        "body": None,
        "isBase64Encoded": False,
    }
