"""``python tests/with_stores.py [pytest arguments]``: tests of operations and media on PostgreSQL and an S3 store.

Starts both on 127.0.0.1 in a temporary folder, and ends them. Needs ``pip install 'facewright[dev,test-stores]'``.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import pgserver
from moto.server import ThreadedMotoServer

TESTS = (
    "test_jobs_store.py",
    "test_jobs_leases.py",
    "test_media_store.py",
    "test_media_store_loss.py",
    "test_media_store_owners.py",
)
BUCKET = "facewright-test"


def main() -> None:
    folder = Path(__file__).parent / "unit" / "server"
    chosen = sys.argv[1:] or [str(folder / name) for name in TESTS]
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    store.start()
    host, port = store.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    own = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    os.environ.update({**own, "AWS_DEFAULT_REGION": "us-east-1"})
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    with tempfile.TemporaryDirectory() as data, pgserver.get_server(data, cleanup_mode="stop") as database:
        environment = {
            **os.environ,
            "FACEWRIGHT_TEST_POSTGRESQL": database.get_uri().replace("postgresql:", "postgresql+psycopg:"),
            "FACEWRIGHT_TEST_S3": f"s3://{BUCKET}",
        }
        done = subprocess.run([sys.executable, "-m", "pytest", *chosen], env=environment, check=False)
    store.stop()
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
