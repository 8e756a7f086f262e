"""In: an S3-compatible store that may still be starting. Out: the bucket S3_BUCKET in it."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Final

PATIENCE: Final = 120.0
PAUSE: Final = 1.0


def ensure_bucket(client: Any, bucket: str, patience: float = PATIENCE) -> str:  # noqa: ANN401
    """Make the bucket unless it is there, waiting for a store that does not answer yet.

    Raises:
        botocore.exceptions.ClientError: the store refuses the keys.
        botocore.exceptions.EndpointConnectionError: it did not answer within `patience` seconds.
    """
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    deadline = time.monotonic() + patience
    while True:
        try:
            client.head_bucket(Bucket=bucket)
            return f"bucket {bucket} is there"
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
                raise
            client.create_bucket(Bucket=bucket)
            return f"bucket {bucket} made"
        except (ConnectionError, HTTPClientError):
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def main() -> None:
    """Ask the store that the AWS_ variables name."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        print(ensure_bucket(boto3.client("s3"), os.environ["S3_BUCKET"]))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"the store at {os.environ.get('AWS_ENDPOINT_URL')} cannot be used: {error}")


if __name__ == "__main__":
    main()
